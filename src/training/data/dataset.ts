/** Datasets: examples of one task, read from a file or given as an array, with their labels. */
import { openFile, pathUrl } from '#platform';
import { closeBytes, sliceBytes } from '../../ground/bytes.js';
import { reading } from '../../ground/checks.js';
import { AlbertError, mismatch, within } from '../../ground/errors.js';
import { checkOptions, type OptionNames } from '../../ground/options.js';
import { isA } from '../../ground/realm.js';
import { checkColumns } from './columns.js';
import { KEYS, READERS, type ReadExamples, type TaskExamples, type TrainingTask } from './examples.js';
import type { Label } from './fields.js';
import { checkScore, classNames, isFloat, type ProblemType, problemOf, tagNames } from './labels.js';
import { checkObject, type DataFormat, formatOf, type Row, readRows } from './rows.js';

/** How a dataset is read. */
export interface DatasetOptions {
  /** Default: from the file's extension (`.jsonl`, `.csv`, `.tsv`), otherwise JSON lines. */
  readonly format?: DataFormat;
  /** The name of the data in messages; default: the file's. */
  readonly name?: string;
  /** What the keys of an example are called in these data, such as `{ text: 'review', label: 'stars' }`. */
  readonly columns?: Readonly<Record<string, string>>;
  /**
   * Of texts with labels: `regression` for numbers that are values, `multi_label_classification` for lists of classes,
   * `single_label_classification` for classes. Default: as the labels look: numbers are values if one of them has a fraction.
   */
  readonly problem_type?: ProblemType;
  /**
   * Of pairs of sentences: the label that means the same, which becomes a cosine of 1. Default: the largest label, without its sign, but
   * at least 1. A trainer evaluates with that of its `train_dataset`.
   */
  readonly max_score?: number;
}

const OPTIONS: OptionNames<DatasetOptions> = {
  format: true,
  name: true,
  columns: true,
  problem_type: true,
  max_score: true,
};

/** Examples of a task, each checked. */
export class Dataset<T extends TrainingTask = TrainingTask> {
  readonly task: T;
  readonly examples: readonly ReadExamples[T][];
  /** The names of the classes or tags, in the order of their ids; `undefined` for a task without, and for values. */
  readonly labels: readonly string[] | undefined;
  /** How labels of texts are learned; `undefined` for other tasks. */
  readonly problem_type: ProblemType | undefined;
  /** The label of two sentences that mean the same; 1 for other tasks. */
  readonly max_score: number = 1;
  readonly #places: readonly string[];

  /** @internal */
  constructor(task: T, rows: readonly Row[], name: string, given?: ProblemType, max_score?: number) {
    const read = READERS[task] as (row: Row) => ReadExamples[T];
    this.task = task;
    this.examples = rows.map((row) => within(row.where, () => read(row)));
    this.#places = rows.map(({ where }) => where);
    if (rows.length === 0) throw new AlbertError('ERR_INPUT', `${name}: expected at least one example, got none`);
    const of = <K extends TrainingTask>() => this.examples as readonly ReadExamples[K][];
    if (task === 'text-classification') {
      const labels = of<'text-classification'>().map(({ label }) => label);
      this.problem_type = given ?? problemOf(labels, this.#places);
      checkLabels(labels, this.problem_type, this.#places);
      if (this.problem_type !== 'regression') this.labels = classNames(labels.flat());
    }
    if (task === 'token-classification') {
      this.labels = tagNames(of<'token-classification'>().flatMap(({ tags }) => tags));
    }
    if (task === 'sentence-similarity') {
      const labels = of<'sentence-similarity'>().map(({ label }) => label);
      const odd = labels.findIndex((label) => (label === undefined) !== (labels[0] === undefined));
      if (odd !== -1) {
        throw mismatch('ERR_INPUT', 'label', 'one in each pair or in none', labels[odd] ?? 'none', this.#places[odd]);
      }
      if (max_score !== undefined && labels[0] === undefined && labels.length > 0)
        throw mismatch('ERR_INPUT', 'max_score', 'pairs with labels', 'pairs without any', name);
      const most = max_score ?? labels.reduce<number>((most, label = 0) => Math.max(most, Math.abs(label)), 1);
      this.max_score = most;
      for (const [i, label] of labels.entries()) within(this.where(i), () => checkScore(label, most));
    }
  }

  /** How many examples there are. */
  get length(): number {
    return this.examples.length;
  }

  /** The place of an example, for messages: `train.jsonl line 3`. */
  where(index: number): string {
    return this.#places[index] as string;
  }
}

/** What each problem takes. */
const TAKES: { readonly [P in ProblemType]: readonly [expected: string, fits: (label: unknown) => boolean] } = {
  regression: ['a number within float32', (label) => !Array.isArray(label) && isFloat(label as Label)],
  single_label_classification: ['one label', (label) => !Array.isArray(label)],
  multi_label_classification: ['a list of labels', (label) => Array.isArray(label)],
};

/** @throws ERR_INPUT at the place of the first label that the problem does not take */
function checkLabels(labels: readonly unknown[], problem: ProblemType, places: readonly string[]): void {
  const [expected, fits] = TAKES[problem];
  const odd = labels.findIndex((label) => !fits(label));
  if (odd !== -1) throw mismatch('ERR_INPUT', 'label', `${expected}, as ${problem} takes`, labels[odd], places[odd]);
}

/** A dataset's source: a path, a URL, a File or Blob, bytes that arrive in chunks, or the examples themselves. */
export type DatasetSource<T extends TrainingTask> =
  | string
  | URL
  | Blob
  | AsyncIterable<Uint8Array>
  | readonly TaskExamples[T][];

/**
 * Reads examples: JSON lines, or CSV or TSV with a header. In a CSV, a list is written as JSON, and `tokens` and `tags` also as words
 * with spaces between them.
 *
 * @param source a path is one of a file in Node, a URL relative to the page in a browser
 * @throws ERR_INPUT that names file and line: for a malformed line, an empty text, a label that does not fit, tags that are more
 *   or fewer than the tokens; ERR_SOURCE for a file that cannot be read
 */
export async function loadDataset<T extends TrainingTask>(
  task: T,
  source: DatasetSource<T>,
  given?: DatasetOptions,
): Promise<Dataset<T>> {
  if (typeof task !== 'string' || !Object.hasOwn(READERS, task)) {
    throw mismatch('ERR_INPUT', 'task', Object.keys(READERS).join(', '), task);
  }
  const { columns = {}, problem_type, max_score, ...options } = checkOptions(given, OPTIONS);
  checkLabelOptions(task, problem_type, max_score);
  const unknown = Object.keys(columns).find((key) => !KEYS[task].includes(key));
  if (unknown !== undefined) throw mismatch('ERR_INPUT', 'columns', `keys among ${KEYS[task].join(', ')}`, unknown);
  const name = options.name ?? nameOf(source);
  const rows = Array.isArray(source)
    ? reading('source', () => source.map((example, i) => givenRow(example, `${name}[${i}]`)))
    : await readRows(
        await chunksOf(source as Exclude<typeof source, readonly unknown[]>),
        options.format ?? formatOf(name),
        name,
      );
  const read = renamed(rows, columns);
  checkColumns(task, read, Object.values(columns));
  return new Dataset(task, read, name, problem_type, max_score);
}

/** Before anything is read. @throws ERR_INPUT for an invalid value, and for an option that the task does not have */
function checkLabelOptions(
  task: TrainingTask,
  problem_type: ProblemType | undefined,
  max_score: number | undefined,
): void {
  const only = (owner: TrainingTask) => `the task ${owner}, which has this option`;
  if (problem_type !== undefined) {
    if (task !== 'text-classification') throw mismatch('ERR_INPUT', 'problem_type', only('text-classification'), task);
    if (!Object.hasOwn(TAKES, problem_type))
      throw mismatch('ERR_INPUT', 'problem_type', Object.keys(TAKES).join(', '), problem_type);
  }
  if (max_score !== undefined) {
    if (task !== 'sentence-similarity') throw mismatch('ERR_INPUT', 'max_score', only('sentence-similarity'), task);
    if (!(Number.isFinite(max_score) && max_score > 0))
      throw mismatch('ERR_INPUT', 'max_score', 'a number above 0', max_score);
  }
}

function nameOf(source: unknown): string {
  if (Array.isArray(source)) return 'examples';
  if (typeof source === 'string') return source.split('/').at(-1) as string;
  if (isA('URL', source)) return (source as URL).pathname.split('/').at(-1) as string;
  const name = reading('source', () => (Object(source) as { name?: unknown }).name);
  return typeof name === 'string' && name !== '' ? name : 'data';
}

function givenRow(example: unknown, where: string): Row {
  return { where, written: false, fields: within(where, () => ({ ...checkObject(example) })) };
}

/** Rows under the keys that the task reads. */
function renamed(rows: readonly Row[], columns: Readonly<Record<string, string>>): readonly Row[] {
  const names = Object.entries(columns);
  if (names.length === 0) return rows;
  return rows.map((row) => {
    const fields = { ...row.fields };
    for (const [key, column] of names) {
      if (!Object.hasOwn(row.fields, column)) {
        const there = Object.keys(row.fields).slice(0, 12).join(', ');
        throw mismatch('ERR_INPUT', 'columns', `one of ${there}`, column, row.where);
      }
      fields[key] = row.fields[column];
    }
    return { ...row, fields };
  });
}

const CHUNK = 1 << 20;

async function chunksOf(source: string | URL | Blob | AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  if (typeof source === 'string' || isA('URL', source))
    return fileChunks(typeof source === 'string' ? pathUrl(source) : source);
  if (typeof Blob !== 'undefined' && source instanceof Blob) return blobChunks(source);
  const isIterable = reading('source', () => Symbol.asyncIterator in Object(source));
  if (!isIterable) throw mismatch('ERR_INPUT', 'source', 'a path, a URL, a Blob, chunks of bytes or an array', source);
  return source as AsyncIterable<Uint8Array>;
}

async function* fileChunks(url: URL): AsyncGenerator<Uint8Array> {
  const file = url.pathname.split('/').at(-1) as string;
  const bytes = await openFile(url, {}, file);
  if (bytes === undefined) throw mismatch('ERR_SOURCE', file, 'to exist', 'no file', url.href);
  try {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      yield await sliceBytes(bytes, at, Math.min(bytes.length, at + CHUNK));
    }
  } finally {
    await closeBytes(bytes);
  }
}

/** By slices: not every browser iterates over a stream. */
async function* blobChunks(blob: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += CHUNK) yield new Uint8Array(await blob.slice(at, at + CHUNK).arrayBuffer());
}

/** A dataset, or the dataset of an array of examples. */
export async function asDataset<T extends TrainingTask>(
  task: T,
  given: Dataset<T> | readonly TaskExamples[T][],
  name: string,
  problem_type?: ProblemType,
): Promise<Dataset<T>> {
  if (!(given instanceof Dataset)) return loadDataset(task, given, { name, problem_type });
  if (given.task === task) return given;
  throw mismatch('ERR_INPUT', name, `a dataset for ${task}, as the model is one`, given.task);
}
