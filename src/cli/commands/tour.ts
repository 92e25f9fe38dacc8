/** Without a command: both small models on the given texts, or on a few examples. */
import { Command } from 'commander';
import { type FilledMask, type ModelInfo, type Pipelines, pipeline } from '../../entry/index.js';
import { print } from '../output.js';
import { percent, table } from '../table.js';
import { usageError } from '../usage.js';

/** The texts of the tour without arguments. */
const TOUR = [
  'A warm, funny and quietly moving film.',
  'The plot makes no sense and the jokes fall flat.',
  'Not bad at all, though I have seen better.',
  'Paris is the capital of [MASK].',
  'She opened the door and walked into the [MASK].',
];

export function addTour(program: Command): void {
  program
    .argument('[text...]', 'texts to try; default: a few examples')
    .action((given: string[]) => tour(program, given));
}

/** Sentiment of texts, words for texts with a mask. */
async function tour(program: Command, given: readonly string[]): Promise<void> {
  checkCommand(program, given);
  const texts = given.length > 0 ? given : TOUR;
  const masked = texts.filter((text) => text.includes('[MASK]'));
  const plain = texts.filter((text) => !text.includes('[MASK]'));
  if (plain.length > 0) {
    await timed('text-classification', 'Sentiment', plain, async (classify) => {
      const answers = await classify(plain);
      return answers.map(([best], i) => [plain[i] as string, best?.label ?? '', percent(best?.score ?? 0)]);
    });
  }
  if (masked.length > 0) {
    await timed('fill-mask', 'Words for [MASK]', masked, async (fill) => {
      const answers = await fill(masked, { top_k: 3 });
      const shown = (words: FilledMask[]) => words.map((w) => `${w.token_str} ${percent(w.score)}`).join(', ');
      return answers.map((masks, i) => [masked[i] as string, ...masks.map(shown)]);
    });
  }
}

/**
 * A single word, or a first word that is nearly a command, is taken for an unknown command: its sentiment is not what was asked for.
 *
 * @throws CommanderError that names the nearest commands, or all, and how to label the word
 */
function checkCommand(program: Command, [word = '', ...more]: readonly string[]): void {
  if (!/^\S+$/.test(word) || word.includes('[MASK]')) return;
  const near = nearestCommands(program, word);
  if (more.length > 0 && near === undefined) return;
  const names = program.commands.map((command) => command.name());
  const meant = near === undefined ? `the commands are ${names.join(', ')}` : `did you mean ${near}?`;
  const rest = more.length > 0 ? ' …' : '';
  throw usageError(
    `unknown command '${word}', ${meant}`,
    `to label the word itself: albert-wasm classify ${JSON.stringify(word)}${rest}`,
  );
}

/** Commander's complaint; of an option without a command, one that names the first command that has the option. */
export function nameCommand(program: Command, complaint: string): string {
  const [all, flag] = /^error: unknown option '(--[\w-]+)/.exec(complaint) ?? [];
  const owner = program.commands.find(({ options }) => options.some(({ long }) => long === flag));
  if (all === undefined || owner === undefined) return complaint;
  return `error: ${flag} needs a command: albert-wasm ${owner.name()} ${flag} …\n`;
}

/** Names such as `tag`, or `one of classify, choose`, by commander's measure; `undefined` if there is none. */
function nearestCommands(program: Command, word: string): string | undefined {
  // Commander suggests only for a command that has subcommands and nothing else.
  const named = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  for (const command of program.commands) named.command(command.name());
  try {
    named.parse([word], { from: 'user' });
  } catch (error) {
    return /Did you mean (.*)\?/.exec((error as Error).message)?.[1];
  }
  return undefined;
}

/** A table of one task's answers under a headline with the times and the kernels. */
async function timed<T extends keyof Pipelines>(
  task: T,
  title: string,
  texts: readonly string[],
  answer: (run: Pipelines[T]) => Promise<string[][]>,
): Promise<void> {
  const start = performance.now();
  const run = await pipeline(task);
  const loaded = performance.now();
  const rows = await answer(run);
  const done = performance.now();
  const info: ModelInfo = run.model.info();
  const times = `loaded in ${(loaded - start).toFixed(0)} ms, ${texts.length} ${texts.length === 1 ? 'text' : 'texts'} in ${(done - loaded).toFixed(0)} ms`;
  await print(
    `${title}   (${times}; ${info.dtype} on ${info.kernels}, ${info.threads === 1 ? '1 thread' : `${info.threads} threads`})\n${table(rows, '  ')}\n`,
  );
  await run.dispose();
}
