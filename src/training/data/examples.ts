/** The examples of each task: the keys that they have, and how a row becomes one. */
import { mismatch, show } from '../../ground/errors.js';
import { has, type Label, parsed, readLabels, readNumber, readTags, readText, readTexts, readWords } from './fields.js';
import type { Row } from './rows.js';

/** A text, or a pair of texts, with its class, its classes (a list), or its value. */
export interface TextExample {
  readonly text: string;
  readonly text_pair?: string;
  readonly label: Label | readonly Label[];
}

/** The words of a text, each with its tag: `O`, `B-PER`, `I-PER`, … */
export interface TaggedExample {
  readonly tokens: readonly string[];
  readonly tags: readonly string[];
}

/**
 * A question, a text, and the answers in it: as SQuAD has them; none if the text does not answer the question. `answer_start` counts
 * UTF-16 units, as JavaScript does, or code points, as Python does: the one at which the context has the answer's text.
 */
export interface QuestionExample {
  readonly question: string;
  readonly context: string;
  readonly answers:
    | { readonly text: readonly string[]; readonly answer_start: readonly number[] }
    | readonly { readonly text: string; readonly answer_start: number }[];
}

/** A prompt, the texts that may follow it, and the index of the right one. */
export interface ChoiceExample {
  readonly prompt: string;
  readonly choices: readonly string[];
  readonly label: number;
}

/** Two sentences and how similar they are; without a label, they mean the same. */
export interface SimilarityExample {
  readonly sentence1: string;
  readonly sentence2: string;
  readonly label?: number;
}

/** A text, of which words are masked. */
export interface PlainExample {
  readonly text: string;
}

/** What the examples of each task are. */
export interface TaskExamples {
  'text-classification': TextExample;
  'token-classification': TaggedExample;
  'question-answering': QuestionExample;
  'multiple-choice': ChoiceExample;
  'sentence-similarity': SimilarityExample;
  'fill-mask': PlainExample;
}

/** What a model can be trained for. */
export type TrainingTask = keyof TaskExamples;

/** An answer's text and the UTF-16 unit of the context at which it begins. */
export interface Answer {
  readonly text: string;
  readonly answer_start: number;
}

/** A question with its answers as a list. */
export interface AnsweredQuestion extends QuestionExample {
  readonly answers: readonly Answer[];
}

/** What reading a row gives. */
export interface ReadExamples extends TaskExamples {
  'question-answering': AnsweredQuestion;
}

/** The keys that an example of each task may have. */
export const KEYS: Readonly<Record<TrainingTask, readonly string[]>> = {
  'text-classification': ['text', 'text_pair', 'label'],
  'token-classification': ['tokens', 'tags'],
  'question-answering': ['question', 'context', 'answers'],
  'multiple-choice': ['prompt', 'choices', 'label'],
  'sentence-similarity': ['sentence1', 'sentence2', 'label'],
  'fill-mask': ['text'],
};

/** Reads a row of each task. @throws ERR_INPUT for a field that is missing or invalid */
export const READERS: { readonly [T in TrainingTask]: (row: Row) => ReadExamples[T] } = {
  'text-classification': (row) => ({
    text: readText(row, 'text'),
    ...(has(row, 'text_pair') && { text_pair: readText(row, 'text_pair') }),
    label: readLabels(row, 'label'),
  }),
  'token-classification'(row) {
    const [tokens, tags] = [readWords(row, 'tokens'), readTags(row, 'tags')];
    if (tags.length !== tokens.length) {
      throw mismatch('ERR_INPUT', 'tags', `a tag for each of the ${tokens.length} tokens`, `${tags.length} tags`);
    }
    return { tokens, tags };
  },
  'question-answering'(row) {
    const context = readText(row, 'context');
    return { question: readText(row, 'question'), context, answers: readAnswers(parsed(row, 'answers'), context) };
  },
  'multiple-choice'(row) {
    const choices = readTexts(row, 'choices');
    const label = readNumber(row, 'label', 0, true);
    if (label >= choices.length) {
      throw mismatch('ERR_INPUT', 'label', `the index of one of ${choices.length} choices`, label);
    }
    return { prompt: readText(row, 'prompt'), choices, label };
  },
  'sentence-similarity': (row) => ({
    sentence1: readText(row, 'sentence1'),
    sentence2: readText(row, 'sentence2'),
    ...(has(row, 'label') && { label: readNumber(row, 'label') }),
  }),
  'fill-mask': (row) => ({ text: readText(row, 'text') }),
};

/** The UTF-16 unit at which a code point begins. */
function unitOf(text: string, point: number): number {
  let unit = 0;
  for (let i = 0; i < point && unit < text.length; i++) unit += (text.codePointAt(unit) as number) > 0xffff ? 2 : 1;
  return unit;
}

/** SQuAD's answers: a list of objects, or an object of lists as Hugging Face's datasets have them. */
function readAnswers(value: unknown, context: string): Answer[] {
  const { text, answer_start } = (value ?? {}) as { text?: unknown; answer_start?: unknown };
  const list: unknown = Array.isArray(value)
    ? value
    : Array.isArray(text) && Array.isArray(answer_start) && text.length === answer_start.length
      ? text.map((one, i) => ({ text: one, answer_start: answer_start[i] }))
      : undefined;
  if (!Array.isArray(list)) throw mismatch('ERR_INPUT', 'answers', 'text and answer_start of each answer', value);
  return list.map((answer: Partial<Answer> | null, i) => {
    const { text, answer_start: start } = answer ?? {};
    if (typeof text !== 'string' || text === '') throw mismatch('ERR_INPUT', 'answers', 'a text', text, `[${i}].text`);
    if (!Number.isSafeInteger(start) || (start as number) < 0)
      throw mismatch('ERR_INPUT', 'answers', 'an integer from 0', start, `[${i}].answer_start`);
    const units = [start as number, unitOf(context, start as number)] as const;
    const found = units.find((unit) => context.startsWith(text, unit));
    if (found !== undefined) return { text, answer_start: found };
    const expected = `${show(text)} in the context at answer_start ${start}`;
    throw mismatch('ERR_INPUT', 'answers', expected, context.slice(units[0], units[0] + text.length), `[${i}]`);
  });
}
