/**
 * Losses of pairs of vectors, in float64: the two vectors of a pair follow one another.
 *
 * Source: `CosineSimilarityLoss` and `MultipleNegativesRankingLoss` of sentence-transformers.
 */

/** A loss, and its gradient in every vector. */
export interface VectorLoss {
  readonly loss: number;
  readonly gradient: Float64Array;
}

/** sentence-transformers' scale of cosines among in-batch negatives. */
export const COSINE_SCALE = 20;

/** The square of each pair's cosine minus the one that is wanted, over `count`. */
export function cosineLoss(vectors: Float64Array, size: number, wanted: Float64Array, count: number): VectorLoss {
  const units = unitsOf(vectors, size);
  let loss = 0;
  const slopes = units.map(() => new Float64Array(size));
  wanted.forEach((cosine, pair) => {
    const [u, v] = [units[2 * pair] as Float64Array, units[2 * pair + 1] as Float64Array];
    const error = dot(u, v) - cosine;
    loss += error ** 2;
    const factor = (2 * error) / count;
    add(slopes[2 * pair] as Float64Array, v, factor);
    add(slopes[2 * pair + 1] as Float64Array, u, factor);
  });
  return { loss: loss / count, gradient: throughUnits(vectors, units, slopes) };
}

/** Cross-entropy of each first text's scaled cosines with all second texts, of which its own is right; the mean over the pairs. */
export function negativesLoss(vectors: Float64Array, size: number): VectorLoss {
  const units = unitsOf(vectors, size);
  const slopes = units.map(() => new Float64Array(size));
  const pairs = units.length / 2;
  let loss = 0;
  for (let i = 0; i < pairs; i++) {
    const u = units[2 * i] as Float64Array;
    const scores = Float64Array.from(
      { length: pairs },
      (_, j) => COSINE_SCALE * dot(u, units[2 * j + 1] as Float64Array),
    );
    const most = scores.reduce((a, b) => Math.max(a, b));
    const total = scores.reduce((sum, score) => sum + Math.exp(score - most), 0);
    loss += most + Math.log(total) - (scores[i] as number);
    scores.forEach((score, j) => {
      const factor = (COSINE_SCALE * (Math.exp(score - most) / total - (i === j ? 1 : 0))) / pairs;
      add(slopes[2 * i] as Float64Array, units[2 * j + 1] as Float64Array, factor);
      add(slopes[2 * j + 1] as Float64Array, u, factor);
    });
  }
  return { loss: loss / pairs, gradient: throughUnits(vectors, units, slopes) };
}

/** Each vector divided by its length; a vector of zeros stays one. */
function unitsOf(vectors: Float64Array, size: number): Float64Array[] {
  return Array.from({ length: vectors.length / size }, (_, i) => {
    const vector = vectors.subarray(i * size, (i + 1) * size);
    const length = Math.sqrt(dot(vector, vector));
    return length === 0 ? new Float64Array(size) : vector.map((value) => value / length);
  });
}

/** The gradient of vectors, from that of their units. */
function throughUnits(
  vectors: Float64Array,
  units: readonly Float64Array[],
  slopes: readonly Float64Array[],
): Float64Array {
  const size = vectors.length / units.length;
  const gradient = new Float64Array(vectors.length);
  units.forEach((unit, i) => {
    const vector = vectors.subarray(i * size, (i + 1) * size);
    const length = Math.sqrt(dot(vector, vector));
    if (length === 0) return;
    const slope = slopes[i] as Float64Array;
    const target = gradient.subarray(i * size, (i + 1) * size);
    add(target, slope, 1 / length);
    add(target, unit, -dot(slope, unit) / length);
  });
  return gradient;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** target += factor · x */
function add(target: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + factor * (x[i] as number);
}
