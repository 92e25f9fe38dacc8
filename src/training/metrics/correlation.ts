/** Metrics of values. */

/** Pearson's correlation; 0 where one of both does not vary. */
export function pearson(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, squaresA, squaresB] = [0, 0, 0];
  a.forEach((value, i) => {
    const [x, y] = [value - meanA, (b[i] as number) - meanB];
    both += x * y;
    squaresA += x * x;
    squaresB += y * y;
  });
  const scale = Math.sqrt(squaresA * squaresB);
  return scale === 0 ? 0 : both / scale;
}

/** Spearman's rank correlation; values that are equal have the mean of their ranks. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  return pearson(ranks(a), ranks(b));
}

/** The rank of each value, from 1 on. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => (values[i] as number) - (values[j] as number));
  const result = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    // The mean of the ranks from + 1 to `to`.
    for (const i of order.slice(from, to)) result[i] = (from + 1 + to) / 2;
    from = to;
  }
  return result;
}

/** The mean of the squared differences. */
export function meanSquaredError(predictions: readonly number[], references: readonly number[]): number {
  if (references.length === 0) return 0;
  return references.reduce((sum, value, i) => sum + (value - (predictions[i] as number)) ** 2, 0) / references.length;
}
