/** How each task's inputs and answers are written as lines of JSON: the command line's words, and those of files of answers. */
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
} from '../index.js';

export interface LineFormat<Input, Result> {
  /** @throws ERR_INPUT for a line that is no JSON; the pipeline checks what it holds */
  parse(line: string): Input;
  /** What is written of an answer. */
  row(input: Input, result: Result): object;
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

export const FORMATS: LineTasks = {
  'text-classification': {
    parse(line) {
      const value = parseJson<string | TextPair | { readonly text: string } | null>(line);
      if (typeof value !== 'object' || value === null) return value as string;
      const { text } = value;
      return 'text_pair' in value ? { text, text_pair: value.text_pair } : text;
    },
    row: (input, labels) => ({ ...(typeof input === 'string' ? { text: input } : input), labels }),
  },
  'token-classification': { parse: parseText, row: (text, entities) => ({ text, entities }) },
  'question-answering': {
    parse: parseAs('{"question": …, "context": …}'),
    // A list whatever `top_k` is: all lines of a file have one shape.
    row: ({ question }, answers) => ({ question, answers: [answers].flat() }),
  },
  'multiple-choice': {
    parse: parseAs('{"prompt": …, "choices": […]}'),
    row: ({ prompt }, choices) => ({ prompt, choices }),
  },
  'fill-mask': { parse: parseText, row: (text, masks) => ({ text, masks }) },
  'feature-extraction': { parse: parseText, row: (text, vector) => ({ text, embedding: vector.tolist() }) },
  'sentence-similarity': {
    parse: parseAs('{"source_sentence": …, "sentences": […]}'),
    row: ({ source_sentence, sentences }, scores) => ({ source_sentence, sentences: rank(sentences, scores) }),
  },
  'sentence-order': {
    parse: parseAs('{"first": …, "second": …}'),
    row: ({ first, second }, order) => ({ first, second, ...order }),
  },
  'zero-shot-classification': { parse: parseText, row: (_text, answer) => answer },
};

/** Sentences by their scores, best first. */
export function rank(sentences: readonly string[], scores: readonly number[]): { sentence: string; score: number }[] {
  return sentences.map((sentence, i) => ({ sentence, score: scores[i] as number })).sort((a, b) => b.score - a.score);
}

/** @param shape what a line looks like, for whoever wrote another */
function parseJson<T>(line: string, shape = 'a string, or {"text": …}'): T {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new AlbertError('ERR_INPUT', `expected JSON, ${shape}: ${(cause as Error).message}`, { cause });
  }
}

function parseAs<T>(shape: string): (line: string) => T {
  return (line) => parseJson(line, shape);
}

function parseText(line: string): string {
  const value = parseJson<string | { readonly text: string } | null>(line);
  return typeof value === 'object' ? (value?.text as string) : value;
}
