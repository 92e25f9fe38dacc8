/** `completion`: a script that lets a shell complete this program's own commands, options and choices. */
import { Argument, type Command, type Option } from 'commander';
import { print } from '../output.js';

/** The completions after the words of a command. */
interface Words {
  readonly command: string;
  readonly words: readonly string[];
  /** Options that take a value: one of the choices, or, without choices, anything, such as a file. */
  readonly values: readonly { readonly flag: string; readonly choices: readonly string[] }[];
}

const SHELLS = { bash, zsh, fish };

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      `
Examples:
  $ source <(albert-wasm completion bash)            in ~/.bashrc; the same with zsh in ~/.zshrc
  $ albert-wasm completion fish > ~/.config/fish/completions/albert-wasm.fish`,
    )
    .action((shell: keyof typeof SHELLS) => print(SHELLS[shell](wordsOf(program))));
}

function wordsOf(program: Command): Words[] {
  const flags = (options: readonly Option[]) => options.flatMap(({ long }) => long ?? []);
  const names = program.commands.map((command) => command.name());
  return [
    { command: '', words: [...names, 'help', ...flags(program.options), '--help'], values: [] },
    ...program.commands.map((command) => ({
      command: command.name(),
      words: [
        ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
        ...flags(command.options),
        '--help',
      ],
      values: command.options.flatMap(({ long, required, argChoices = [] }) =>
        long && required ? [{ flag: long, choices: argChoices }] : [],
      ),
    })),
  ];
}

function bash(all: readonly Words[]): string {
  const cases = all.flatMap(({ command, words, values }) => [
    ...values.map(({ flag, choices }) => `    '${command} ${flag}') words='${choices.join(' ')}' ;;`),
    `    '${command} '*) words='${words.join(' ')}' ;;`,
  ]);
  return `_albert_wasm() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before='' command='' words=''
  ((COMP_CWORD > 1)) && command="\${COMP_WORDS[1]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  case "$command $before" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _albert_wasm albert-wasm`;
}

/** Through bash's functions, which zsh includes. */
function zsh(all: readonly Words[]): string {
  return `autoload -U +X compinit bashcompinit && { (( $+functions[compdef] )) || compinit; } && bashcompinit\n${bash(all)}`;
}

function fish(all: readonly Words[]): string {
  const lines = all.flatMap(({ command, words, values }) => {
    const when = command === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${command}`;
    const complete = `complete -c albert-wasm -n '${when}'`;
    const value = (choices: readonly string[]) => (choices.length > 0 ? `-xa '${choices.join(' ')}'` : '-rF');
    return [
      `${complete} -a '${words.join(' ')}'`,
      ...values.map(({ flag, choices }) => `${complete} -l ${flag.slice(2)} ${value(choices)}`),
    ];
  });
  return lines.join('\n');
}
