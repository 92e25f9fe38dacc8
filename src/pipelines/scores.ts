/** From logits to probabilities, and the largest of them. */

/** Softmax in float64. */
export function softmax(logits: Float32Array): Float64Array {
  const max = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exponentials = Float64Array.from(logits, (logit) => Math.exp(logit - max));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((e) => e / sum);
}

/** Indices of the `count` largest scores, best first; of equal scores the lower index comes first. */
export function largest(scores: ArrayLike<number>, count: number): number[] {
  const indices = Array.from({ length: scores.length }, (_, i) => i);
  return indices.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b).slice(0, count);
}

/** The mean of several windows' logits; of one window, its own. */
export function meanOfLogits(windows: readonly Float32Array[]): Float32Array {
  const [first] = windows as [Float32Array];
  return first.map((_, i) => windows.reduce((sum, logits) => sum + (logits[i] as number), 0) / windows.length);
}

/** The ids of the largest scores, best first; of all ids, or of those allowed. */
export function likeliest(scores: Float64Array, count: number, allowed?: readonly number[]): number[] {
  if (allowed === undefined) return largest(scores, count);
  const theirs = allowed.map((id) => scores[id] as number);
  return largest(theirs, count).map((i) => allowed[i] as number);
}
