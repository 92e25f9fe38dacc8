/** Checks of a job's payload, which is untrusted data from Redis: only known keys and types are used. */
import { isAbsolute } from 'node:path';
import { AlbertError } from 'albert-wasm';
import type { LineCall, LineTasks } from 'albert-wasm/shards';
import type { Counts, PartJob, SuccessJob, Work } from './jobs.js';

/** The names of parts have five digits. */
export const MAX_PARTS = 100_000;
const MAX_THREADS = 64;
/** More than any path or list that the options of a call need. */
const MAX_TEXT_LENGTH = 4096;
const MAX_LIST_LENGTH = 65_536;

type Check = (value: unknown) => boolean;
interface Field {
  readonly expected: string;
  readonly check: Check;
  readonly optional?: true;
}
type Shape = Readonly<Record<string, Field>>;

const text: Check = (value) => typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH;
const path: Check = (value) => text(value) && isAbsolute(value as string) && !(value as string).includes('\0');
const integer = (value: unknown, min = 0, max = Number.MAX_SAFE_INTEGER) =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
const texts: Check = (value) =>
  Array.isArray(value) && value.length <= MAX_LIST_LENGTH && value.every((item) => typeof item === 'string');

/** The compiler checks that no key is missing. */
const TASKS: Readonly<Record<keyof LineTasks, true>> = {
  'text-classification': true,
  'token-classification': true,
  'question-answering': true,
  'multiple-choice': true,
  'fill-mask': true,
  'feature-extraction': true,
  'sentence-similarity': true,
  'sentence-order': true,
  'zero-shot-classification': true,
};

const RUN: Shape = {
  run: {
    expected: '32 hexadecimal digits',
    check: (value) => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value),
  },
  parts: { expected: `an integer from 1 to ${MAX_PARTS}`, check: (value) => integer(value, 1, MAX_PARTS) },
  output: { expected: 'an absolute path', check: path },
};

const WORK: Shape = {
  task: {
    expected: Object.keys(TASKS).join(', '),
    check: (value) => typeof value === 'string' && Object.hasOwn(TASKS, value),
  },
  model: { expected: 'a path, a URL or a Hub id', check: text, optional: true },
  options: { expected: 'an object with load and call', check: isObject, optional: true },
};

const PART: Shape = {
  ...RUN,
  ...WORK,
  uri: { expected: 'an absolute path', check: path },
  start: { expected: 'an integer from 0', check: integer },
  end: { expected: 'an integer from 0', check: integer },
  part: { expected: 'an integer from 0', check: (value) => integer(value, 0, MAX_PARTS - 1) },
};

const OPTIONS: Shape = {
  load: { expected: 'an object with dtype, threads and revision', check: isObject, optional: true },
  call: { expected: 'an object of options', check: isObject, optional: true },
};

const LOAD: Shape = {
  dtype: { expected: 'float32 or int8', check: (value) => value === 'float32' || value === 'int8', optional: true },
  threads: {
    expected: `an integer from 1 to ${MAX_THREADS}, or "auto"`,
    check: (value) => value === 'auto' || integer(value, 1, MAX_THREADS),
    optional: true,
  },
  revision: { expected: 'a branch, tag or commit', check: text, optional: true },
};

const INTEGER = { expected: 'an integer from 0', check: integer, optional: true } as const;
const FLAG = {
  expected: 'true or false',
  check: (value: unknown) => typeof value === 'boolean',
  optional: true,
} as const;
const NAME = { expected: 'a name', check: text, optional: true } as const;
const TEXTS = { expected: 'an array of texts', check: texts, optional: true } as const;

const WORDS = {
  expected: 'a text or an array of texts',
  check: (value: unknown) => text(value) || texts(value),
  optional: true,
} as const;

type KeyOf<T> = T extends T ? keyof T : never;
type CallKey = Exclude<KeyOf<LineCall<keyof LineTasks>>, 'signal' | 'onProgress'>;

/** The options of the tasks' calls. The pipelines check which options a task has, and which names are valid. */
const CALL: Readonly<Record<CallKey, Field>> = {
  batch_size: INTEGER,
  top_k: {
    expected: 'an integer from 1, or null',
    check: (value) => value === null || integer(value, 1),
    optional: true,
  },
  max_answer_len: INTEGER,
  max_seq_len: INTEGER,
  doc_stride: INTEGER,
  stride: INTEGER,
  handle_impossible_answer: FLAG,
  align_to_words: FLAG,
  normalize: FLAG,
  truncation: FLAG,
  is_split_into_words: FLAG,
  multi_label: FLAG,
  function_to_apply: NAME,
  aggregation_strategy: NAME,
  pooling: NAME,
  prompt: NAME,
  prompt_name: NAME,
  hypothesis_template: NAME,
  candidate_labels: WORDS,
  ignore_labels: TEXTS,
  targets: WORDS,
};

const COUNTS: Shape = {
  rows: { expected: 'an integer from 0', check: integer },
  errors: { expected: 'an integer from 0', check: integer },
};

/** Checks the job of a part. @throws ERR_INPUT naming the unknown or invalid key */
export function checkPart(data: unknown): PartJob {
  const part = withOptions(checkShape<PartJob>('job', data, PART));
  if (part.part >= part.parts) throw unexpected('part', `an integer below ${part.parts}`, part.part);
  return part;
}

/** Checks the job that closes a run. @throws ERR_INPUT */
export function checkSuccess(data: unknown): SuccessJob {
  return checkShape('job', data, RUN);
}

/** Checks task, model and options. @throws ERR_INPUT */
export function checkWork({ task, model, options }: Partial<Work>): Work {
  return withOptions(checkShape<Work>('job', { task, model, options }, WORK));
}

/** The same with its options, checked. */
function withOptions<T extends Work>(work: T): T {
  if (work.options === undefined) return work;
  const { load, call } = checkShape<NonNullable<Work['options']>>('options', work.options, OPTIONS);
  return {
    ...work,
    options: {
      ...(load && { load: checkShape('load', load, LOAD) }),
      ...(call && { call: checkShape('call', call, CALL) }),
    },
  };
}

/** Checks the result of a part or a run. @throws ERR_INPUT */
export function checkCounts(counts: unknown): Counts {
  return checkShape('counts', counts, COUNTS);
}

/** A copy of an object that has these keys, of these kinds, and no others. */
function checkShape<T>(title: string, given: unknown, shape: Shape): T {
  if (!isObject(given)) throw unexpected(title, 'an object', given);
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(shape, key));
  if (unknown !== undefined) throw unexpected(title, `no other keys than ${Object.keys(shape).join(', ')}`, unknown);
  const entries: [string, unknown][] = [];
  for (const [key, { expected, check, optional }] of Object.entries(shape)) {
    const value = Object.hasOwn(given, key) ? given[key] : undefined;
    if (value === undefined && optional) continue;
    if (!check(value)) throw unexpected(key, expected, value);
    entries.push([key, value]);
  }
  return Object.fromEntries(entries) as T;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An error in the library's sentence; of an untrusted value it shows the beginning, or only the kind. */
export function unexpected(title: string, expected: string, got: unknown): AlbertError {
  const shown =
    typeof got === 'string'
      ? JSON.stringify(got.slice(0, 80))
      : typeof got === 'object' && got !== null
        ? `an ${Array.isArray(got) ? 'array' : 'object'}`
        : String(got);
  return new AlbertError('ERR_INPUT', `"${title}" expected ${expected}, got ${shown}`);
}
