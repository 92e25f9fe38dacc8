/** The library's messages in the words of the command line: its arguments have other names as options. */
import { AlbertError } from '../entry/index.js';

const OPTIONS: Readonly<Record<string, string>> = {
  columns: '--column',
  problem_type: '--problem-type',
  learning_rate: '--learning-rate',
  max_score: '--max-score',
  max_seq_length: '--max-length',
  maxMemoryBytes: '--max-memory',
  metric_for_best_model: '--best',
  load_best_model_at_end: '--best',
  seed: '--seed',
  examples_per_step: '--batch-size times --accumulate',
};

/** What else is said in other words. */
const PHRASES: readonly (readonly [library: string, ours: string])[] = [
  ['train_dataset, max_score, max_seq_length and columns must', '--train, --max-score, --max-length and --column must'],
  ['trained with dropout: dropout must be true', 'trained with dropout: leave out --no-dropout'],
  ['trained without dropout: dropout must be false', 'trained without dropout: give --no-dropout'],
];

/** Runs a command; an error that names an argument of the library names the option. */
export async function withOptionNames<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof AlbertError)) throw cause;
    const text = cause.code === 'ERR_MEMORY' ? inMebibytes(cause.message) : cause.message;
    const phrased = PHRASES.reduce((said, [library, ours]) => said.replace(library, ours), inColumns(text));
    const named = phrased.replace(
      /"(\w+)"(?= expected )|\b(maxMemoryBytes|load_best_model_at_end|max_score|problem_type|learning_rate)\b/g,
      (all, title, bare) => {
        const option = OPTIONS[title ?? bare];
        return option === undefined ? all : title === undefined ? option : `"${option}"`;
      },
    );
    throw named === cause.message ? cause : new AlbertError(cause.code, named.split('\n'), { cause });
  }
}

/** `columns: { label: "score" }` is `--column label=score`. */
function inColumns(text: string): string {
  return text.replace(/\bcolumns: \{ (\w+): "((?:[^"\\]|\\.)*)"…? \}/g, (_, key, name) =>
    /^[\w.-]+$/.test(name) ? `--column ${key}=${name}` : `--column ${key}="${name}"`,
  );
}

/** --max-memory is in MiB. */
function inMebibytes(text: string): string {
  return text.replace(/\b(\d{6,})( bytes)?/g, (_, bytes) => `${Math.ceil(Number(bytes) / 2 ** 20)} MiB`);
}
