/** How each task's inputs and answers are written as lines of JSON, by the command line and in files of answers. */

import {
  AlbertError,
  type ChoicesInput,
  type EntityGroup,
  type FilledMask,
  type LabelScore,
  type OrderInput,
  type QuestionAnswer,
  type QuestionInput,
  type ScoredChoice,
  type SentenceOrder,
  type SentencesInput,
  type Tensor,
  type TextPair,
  type TokenEntity,
  type ZeroShotClassification,
} from '../entry/index.js';
import { mismatch } from '../ground/errors.js';

export interface LineFormat<Input, Result> {
  /** What a line looks like, for errors. */
  readonly shape: string;
  /** The keys of a line's object that are the task's input; all others are the caller's. */
  readonly reads: readonly string[];
  /** The keys that a row may have. */
  readonly writes: readonly string[];
  /** The input from a line's object; the pipeline checks what it holds. */
  input(fields: Fields): Input;
  /** The row of an answer. */
  row(input: Input, result: Result): object;
}

// A line may hold anything: the pipeline checks it.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Fields = Readonly<Record<string, any>>;

/** A line's input, and what else the line holds. */
export interface ParsedLine<Input> {
  readonly input: Input;
  /** The caller's own keys, such as an `id`: they come back in the answer. */
  readonly others: Readonly<Record<string, unknown>>;
}

/** The row of a line without an answer. The caller's own keys of the line follow, if the line could be read. */
export interface ErrorRow {
  readonly error: { readonly code: string; readonly message: string };
}

/** Tasks over lines. A text is a line of JSON too: a string, or an object with `text`. */
export interface LineTasks {
  'text-classification': LineFormat<string | TextPair, LabelScore[]>;
  'token-classification': LineFormat<string, TokenEntity[] | EntityGroup[]>;
  'question-answering': LineFormat<QuestionInput, QuestionAnswer | QuestionAnswer[]>;
  'multiple-choice': LineFormat<ChoicesInput, ScoredChoice[]>;
  'fill-mask': LineFormat<string, FilledMask[][]>;
  'feature-extraction': LineFormat<string, Tensor<Float32Array>>;
  'sentence-similarity': LineFormat<SentencesInput, number[]>;
  'sentence-order': LineFormat<OrderInput, SentenceOrder>;
  'zero-shot-classification': LineFormat<string, ZeroShotClassification>;
}

const TEXT = {
  shape: 'a string, or {"text": …}',
  reads: ['text'],
  input: ({ text }: Fields): string => text,
};

export const FORMATS: LineTasks = {
  'text-classification': {
    ...TEXT,
    reads: ['text', 'text_pair'],
    writes: ['text', 'text_pair', 'labels'],
    input: (fields) => ('text_pair' in fields ? { text: fields.text, text_pair: fields.text_pair } : fields.text),
    row: (input, labels) => ({ ...(typeof input === 'string' ? { text: input } : input), labels }),
  },
  'token-classification': {
    ...TEXT,
    writes: ['text', 'entities'],
    row: (text, entities) => ({ text, entities }),
  },
  'question-answering': {
    shape: '{"question": …, "context": …}',
    reads: ['question', 'context'],
    writes: ['question', 'answers'],
    input: ({ question, context }) => ({ question, context }),
    // A list whatever `top_k` is: all lines of a file have one shape.
    row: ({ question }, answers) => ({ question, answers: [answers].flat() }),
  },
  'multiple-choice': {
    shape: '{"prompt": …, "choices": […]}',
    reads: ['prompt', 'choices'],
    writes: ['prompt', 'choices'],
    input: ({ prompt, choices }) => ({ prompt, choices }),
    row: ({ prompt }, choices) => ({ prompt, choices }),
  },
  'fill-mask': {
    ...TEXT,
    writes: ['text', 'masks'],
    row: (text, masks) => ({ text, masks }),
  },
  'feature-extraction': {
    ...TEXT,
    writes: ['text', 'embedding'],
    row: (text, vector) => ({ text, embedding: vector.tolist() }),
  },
  'sentence-similarity': {
    shape: '{"source_sentence": …, "sentences": […]}',
    reads: ['source_sentence', 'sentences'],
    writes: ['source_sentence', 'sentences'],
    input: ({ source_sentence, sentences }) => ({ source_sentence, sentences }),
    row: ({ source_sentence, sentences }, scores) => ({ source_sentence, sentences: rank(sentences, scores) }),
  },
  'sentence-order': {
    shape: '{"first": …, "second": …}',
    reads: ['first', 'second'],
    writes: ['first', 'second', 'inOrder', 'swapped'],
    input: ({ first, second }) => ({ first, second }),
    row: ({ first, second }, order) => ({ first, second, ...order }),
  },
  'zero-shot-classification': {
    ...TEXT,
    writes: ['sequence', 'labels', 'scores'],
    row: (_text, answer) => answer,
  },
};

/** Sentences by their scores, best first. */
export function rank(sentences: readonly string[], scores: readonly number[]): { sentence: string; score: number }[] {
  return sentences.map((sentence, i) => ({ sentence, score: scores[i] as number })).sort((a, b) => b.score - a.score);
}

/**
 * A line of JSON.
 *
 * @throws ERR_INPUT for a line that is not JSON, and for keys of the caller whose values could not be written again as they are
 */
export function parseLine<Input, Result>(line: string, format: LineFormat<Input, Result>): ParsedLine<Input> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new AlbertError('ERR_INPUT', `expected JSON, ${format.shape}: ${(cause as Error).message}`, { cause });
  }
  // A string is a text. The pipeline says what is wrong with anything else.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { input: value as Input, others: {} };
  const others = Object.entries(value).filter(([key]) => !format.reads.includes(key));
  for (const [key, other] of others) checkOther(key, other);
  return { input: format.input(value), others: Object.fromEntries(others) };
}

/** The most levels of nested arrays and objects; `JSON.stringify` calls itself for each. */
const MAX_DEPTH = 100;

/** Refuses values that JSON in JavaScript would change or fail on: an id of 19 digits must not come back as another. */
function checkOther(key: string, value: unknown, depth = 0): void {
  const lossy = typeof value === 'number' && (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER);
  if (lossy) throw mismatch('ERR_INPUT', key, 'a number within ±(2^53 − 1), or a string, to be kept as it is', value);
  if (typeof value !== 'object' || value === null) return;
  if (depth === MAX_DEPTH) {
    throw new AlbertError(
      'ERR_INPUT',
      `"${key}" expected at most ${MAX_DEPTH} arrays or objects within each other, got more`,
    );
  }
  for (const inner of Object.values(value)) checkOther(key, inner, depth + 1);
}

/** A row with the caller's keys in front of its own. */
export function fullRow(
  others: ParsedLine<unknown>['others'],
  row: object,
  { writes }: { readonly writes: readonly string[] },
): object {
  return { ...renamed(others, [...writes, 'error']), ...row };
}

/** The row of a line without an answer. No other row has the key `error`. */
export function errorRow(
  error: object,
  others: ParsedLine<unknown>['others'],
  { writes }: { readonly writes: readonly string[] },
): ErrorRow {
  return { error, ...renamed(others, [...writes, 'error']) } as ErrorRow;
}

/** The caller's keys; one that is also a key of ours gets `input_` in front, so that neither hides the other. */
export function renamed(
  others: ParsedLine<unknown>['others'],
  ours: readonly string[],
): Readonly<Record<string, unknown>> {
  const keys = Object.keys(others);
  if (!keys.some((key) => ours.includes(key))) return others;
  const taken = new Set([...keys, ...ours]);
  const rename = (key: string) => {
    let free = key;
    while (taken.has(free)) free = `input_${free}`;
    taken.add(free);
    return free;
  };
  return Object.fromEntries(keys.map((key) => [ours.includes(key) ? rename(key) : key, others[key]]));
}
