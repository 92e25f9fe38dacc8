/** How similar embeddings are. */

import { reading } from '../ground/checks.js';
import { mismatch } from '../ground/errors.js';
import { checkOptions } from '../ground/options.js';
import { Tensor } from '../ground/tensor.js';
import { checkCount } from './checks.js';
import { largest } from './scores.js';

/** One vector, as feature-extraction gives it with a pooling. */
export type Embedding = Tensor<Float32Array> | ArrayLike<number>;

/** An embedding's index in a list, and how similar it is. */
export interface RankedEmbedding {
  readonly index: number;
  /** The cosine, from -1 to 1. */
  readonly score: number;
}

/**
 * The embeddings that are most similar to a query's, best first. `top_k`: how many; default: 10.
 *
 * @throws ERR_INPUT for unknown options, and for embeddings of another size than the query's, with the index
 */
export function rankEmbeddings(
  query: Embedding,
  corpus: readonly Embedding[],
  given?: { readonly top_k?: number },
): RankedEmbedding[] {
  const { top_k = 10 } = checkOptions(given, { top_k: true });
  checkCount('top_k', top_k);
  if (!reading('corpus', () => Array.isArray(corpus)))
    throw mismatch('ERR_INPUT', 'corpus', 'an array of embeddings', corpus);
  return reading('embeddings', () => rank(numbers(query, 'query'), corpus, top_k));
}

function rank(wanted: ArrayLike<number>, corpus: readonly Embedding[], top_k: number): RankedEmbedding[] {
  const scores = corpus.map((embedding: Embedding, i) => {
    const candidate = numbers(embedding, 'corpus', `[${i}]`);
    if (candidate.length !== wanted.length) {
      throw mismatch('ERR_INPUT', 'corpus', `embeddings of ${wanted.length} numbers`, candidate.length, `[${i}]`);
    }
    return cosine(wanted, candidate);
  });
  return largest(scores, top_k).map((index) => ({ index, score: scores[index] as number }));
}

/** The cosine of the angle between two vectors; 0 where one of them is zero. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

function numbers(embedding: Embedding, title: string, where?: string): ArrayLike<number> {
  const values = embedding instanceof Tensor ? embedding.data : embedding;
  if (typeof values !== 'object' || typeof values?.length !== 'number') {
    throw mismatch('ERR_INPUT', title, 'a tensor or an array of numbers', embedding, where);
  }
  return values;
}
