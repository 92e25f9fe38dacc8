/** Metrics of classes. */

/** The share of predictions that are right. */
export function accuracy(predictions: readonly unknown[], references: readonly unknown[]): number {
  if (references.length === 0) return 0;
  return references.filter((reference, i) => reference === predictions[i]).length / references.length;
}

/** Precision, recall and their harmonic mean, from counts. What divides by zero is 0. */
export function f1Score(correct: number, predicted: number, actual: number) {
  const precision = predicted === 0 ? 0 : correct / predicted;
  const recall = actual === 0 ? 0 : correct / actual;
  const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { precision, recall, f1 };
}

/**
 * The mean of the classes' F1, over all classes that occur among predictions or references: as scikit-learn's `f1_score` with
 * `average='macro'`.
 */
export function macroF1(predictions: readonly unknown[], references: readonly unknown[]): number {
  const counts = new Map<unknown, { correct: number; predicted: number; actual: number }>();
  const countsOf = (one: unknown) => {
    const found = counts.get(one) ?? { correct: 0, predicted: 0, actual: 0 };
    counts.set(one, found);
    return found;
  };
  references.forEach((reference, i) => {
    const actual = countsOf(reference);
    const predicted = countsOf(predictions[i]);
    actual.actual++;
    predicted.predicted++;
    if (actual === predicted) actual.correct++;
  });
  let sum = 0;
  for (const { correct, predicted, actual } of counts.values()) sum += f1Score(correct, predicted, actual).f1;
  return counts.size === 0 ? 0 : sum / counts.size;
}

/**
 * The same where several classes may apply to an example.
 *
 * @param predictions for each example, 1 for each class that applies and 0 for others
 * @param references likewise
 */
export function multiLabelScores(
  predictions: readonly (readonly number[])[],
  references: readonly (readonly number[])[],
) {
  const classes = references[0]?.length ?? 0;
  const column = (rows: readonly (readonly number[])[], id: number) => rows.map((row) => row[id] as number);
  let [sum, correct, predicted, actual] = [0, 0, 0, 0];
  for (let id = 0; id < classes; id++) {
    const [guessed, meant] = [column(predictions, id), column(references, id)];
    const counts = [
      meant.filter((value, i) => value === 1 && guessed[i] === 1).length,
      guessed.filter((value) => value === 1).length,
      meant.filter((value) => value === 1).length,
    ] as const;
    sum += f1Score(...counts).f1;
    correct += counts[0];
    predicted += counts[1];
    actual += counts[2];
  }
  return {
    accuracy: accuracy(predictions.map(String), references.map(String)),
    f1: classes === 0 ? 0 : sum / classes,
    f1_micro: f1Score(correct, predicted, actual).f1,
  };
}
