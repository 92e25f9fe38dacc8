/**
 * Exact match and F1 of answers.
 *
 * Source: the official evaluation script of SQuAD 2.0, whose normalisation and scores these are; as fractions, not percent.
 */
import { f1Score } from './classification.js';

/** Scores of answers. */
export interface AnswerScores {
  readonly exact_match: number;
  readonly f1: number;
}

/**
 * The mean over all questions of the best score among each question's answers; a question without answers wants an empty one.
 *
 * @param predictions for each question, one answer
 * @param references for each question, its answers
 */
export function answerScores(predictions: readonly string[], references: readonly (readonly string[])[]): AnswerScores {
  let [exact, f1] = [0, 0];
  references.forEach((answers, i) => {
    const prediction = predictions[i] ?? '';
    const written = answers.filter((answer) => normalizeAnswer(answer) !== '');
    const wanted = written.length > 0 ? written : [''];
    exact += Math.max(...wanted.map((answer) => Number(normalizeAnswer(answer) === normalizeAnswer(prediction))));
    f1 += Math.max(...wanted.map((answer) => wordF1(prediction, answer)));
  });
  const count = Math.max(1, references.length);
  return { exact_match: exact / count, f1: f1 / count };
}

/** Python's `string.punctuation`. */
const PUNCTUATION = /[!-/:-@[-`{-~]/g;

/** Without case, ASCII punctuation, English articles and surplus white space. */
export function normalizeAnswer(text: string): string {
  const plain = text.toLowerCase().replace(PUNCTUATION, '');
  const withoutArticles = plain.replace(/(?<![\p{L}\p{N}_])(a|an|the)(?![\p{L}\p{N}_])/gu, ' ');
  return withoutArticles.trim().split(/\s+/).join(' ');
}

function wordF1(prediction: string, answer: string): number {
  const [found, wanted] = [words(prediction), words(answer)];
  // If one of them is no answer, both must be.
  if (found.length === 0 || wanted.length === 0) return Number(found.length === wanted.length);
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of found) {
    const count = left.get(word) ?? 0;
    if (count > 0) common++;
    left.set(word, count - 1);
  }
  return f1Score(common, found.length, wanted.length).f1;
}

function words(text: string): string[] {
  const plain = normalizeAnswer(text);
  return plain === '' ? [] : plain.split(' ');
}
