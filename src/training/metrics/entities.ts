/**
 * Precision, recall and F1 of entities, which count only as a whole.
 *
 * Source: `get_entities` and the scores of seqeval in its default mode, for tags of BIO, BIOES and IOB1.
 */
import { accuracy, f1Score } from './classification.js';

/** Scores of tagging. */
export interface EntityScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** The share of words with the right tag. */
  readonly accuracy: number;
}

/**
 * The scores over all sentences.
 *
 * @param predictions for each sentence, the tag of each word
 * @param references likewise
 */
export function entityScores(
  predictions: readonly (readonly string[])[],
  references: readonly (readonly string[])[],
): EntityScores {
  let [correct, predicted, actual] = [0, 0, 0];
  references.forEach((tags, i) => {
    const meant = entitiesOf(tags);
    const found = entitiesOf(predictions[i] ?? []);
    const known = new Set(meant);
    correct += found.filter((entity) => known.has(entity)).length;
    predicted += found.length;
    actual += meant.length;
  });
  return { ...f1Score(correct, predicted, actual), accuracy: accuracy(predictions.flat(), references.flat()) };
}

/** The entities of a sentence, each as its type and its first and last word. */
function entitiesOf(tags: readonly string[]): string[] {
  const entities: string[] = [];
  let [mark, type, begin] = ['O', '', 0];
  [...tags, 'O'].forEach((tag, i) => {
    const next = tag[0] as string;
    // A tag without a type, such as B, is one of its own.
    const nextType = tag.slice(1).replace(/^-/, '') || '_';
    if (ends(mark, next, type, nextType)) entities.push(`${type} ${begin} ${i - 1}`);
    if (begins(mark, next, type, nextType)) begin = i;
    [mark, type] = [next, nextType];
  });
  return entities;
}

/** Whether an entity ends before a word. */
function ends(mark: string, next: string, type: string, nextType: string): boolean {
  if (mark === 'E' || mark === 'S') return true;
  if (mark === 'B' || mark === 'I') return 'BSO'.includes(next) || type !== nextType;
  return mark !== 'O' && mark !== '.' && type !== nextType;
}

/** Whether an entity begins with a word. */
function begins(mark: string, next: string, type: string, nextType: string): boolean {
  if (next === 'B' || next === 'S') return true;
  if ((mark === 'E' || mark === 'S' || mark === 'O') && (next === 'E' || next === 'I')) return true;
  return next !== 'O' && next !== '.' && type !== nextType;
}
