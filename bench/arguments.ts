/** The command line of a bench: all of it is read and checked before anything is installed or computed. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Options that change nothing in a report. */
const WHOLE = ['json', 'wide', 'add', 'serve'];
/** Options that choose rows: with `--add`, the last report takes them. */
const ROWS = ['shape', 'dtype', 'threads'];

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

/** What a bench is to do. `partial`: an option changes what its report has, so that no report may be written. */
export type Arguments<Choices> = Choices & { readonly partial: boolean };

/**
 * Reads the options of a bench. Ends the process with one line and exit code 1 if one is unknown or `read` throws.
 *
 * @param read makes choices of the values; throws for a wrong one
 * @param whole further options that change nothing in the reports that are written
 */
export function readArguments<const O extends Options, Choices extends object>(
  options: O,
  read: (values: Values<O>) => Choices,
  whole: readonly string[] = [],
  args = process.argv.slice(2),
): Arguments<Choices> {
  try {
    const { values, tokens } = parseArgs({ args, options, tokens: true });
    const given = (tokens ?? []).flatMap((token) => (token.kind === 'option' ? [token.name] : []));
    const kept = [...WHOLE, ...whole, ...(given.includes('add') ? ROWS : [])];
    return { ...read(values as Values<O>), partial: given.some((name) => !kept.includes(name)) };
  } catch (error) {
    // Node's own messages go on with advice.
    console.error((error as Error).message.split(/\n|\. To /)[0]);
    process.exit(1);
  }
}
