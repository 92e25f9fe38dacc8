/** Attention heads for tests: their numbers, every kind of mask, and their attention weights in float64. */
import { type Expected, Random, softmaxRow, sumError, UNIT } from './reference.js';

const MASKED = -1e10;
/** 1 where a key is attended to. */
export const MASKS: Record<string, (key: number, seq: number) => number> = {
  none: () => 1,
  right: (key, seq) => Number(key < Math.ceil(seq * 0.6)),
  left: (key, seq) => Number(key >= Math.floor(seq * 0.4)),
  holes: (key) => Number(key % 3 !== 1),
  last: (key, seq) => Number(key === seq - 1),
  all: () => 0,
};

export interface Head {
  readonly seq: number;
  readonly headDim: number;
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly maskBias: Float32Array;
  readonly scale: number;
  /** (seq, seq) factors of dropout. */
  readonly keep?: Float32Array | undefined;
}

export function makeHead(seq: number, headDim: number, maskName: string, dropout: boolean): Head {
  const random = new Random(seq * 1000 + headDim);
  const [q, k, v] = [0, 1, 2].map(() => random.weighty(seq * headDim).map((x) => 2 * x));
  const maskBias = new Float32Array(seq).map((_, key) => (MASKS[maskName]!(key, seq) ? 0 : MASKED));
  const keep = dropout ? random.uniform(seq * seq, 0, 1).map((u) => (u < 0.3 ? 0 : 1 / 0.7)) : undefined;
  return { seq, headDim, q: q!, k: k!, v: v!, maskBias, scale: Math.fround(1 / Math.sqrt(headDim)), keep };
}

/** The attention weights before dropout. */
export function probabilities({ seq, headDim, q, k, maskBias, scale }: Head): Expected {
  const probs = { values: new Float64Array(seq * seq), bounds: new Float64Array(seq * seq) };
  for (let i = 0; i < seq; i++) {
    const scores = new Float64Array(seq);
    const errors = new Float64Array(seq);
    for (let j = 0; j < seq; j++) {
      let score = 0;
      let magnitude = 0;
      for (let d = 0; d < headDim; d++) {
        const product = q[i * headDim + d]! * k[j * headDim + d]! * scale;
        score += product;
        magnitude += Math.abs(product);
      }
      // In float32 -1e10 absorbs any score, the reference's too: a row that is masked everywhere is uniform.
      const masked = maskBias[j] === MASKED;
      scores[j] = masked ? MASKED : score + maskBias[j]!;
      errors[j] = masked ? 0 : (sumError(headDim) + UNIT) * (magnitude + Math.abs(maskBias[j]!));
    }
    const { values, bounds } = softmaxRow(scores, errors);
    probs.values.set(values, i * seq);
    probs.bounds.set(bounds, i * seq);
  }
  return probs;
}
