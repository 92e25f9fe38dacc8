/** Embeddings: one vector of a text's hidden states, and how alike two of them are. */
import { checkOptions, mismatch, reading } from '../errors.js';
import { AlbertModel } from '../model/models.js';
import type { Source } from '../source.js';
import { Tensor } from '../tensor.js';
import type { AlbertTokenizer } from '../tokenizer/tokenizer.js';
import { checkCount, largest, openModel, type PipelineOptions } from './pipeline.js';

/** The body of any ALBERT checkpoint, and its tokenizer. */
export function openBody(source: Source, options: PipelineOptions): Promise<[AlbertModel, AlbertTokenizer]> {
  // A checkpoint of a head without a pooler serves as well: the pooled output is not used.
  return openModel(AlbertModel, source, { onWarning: () => {}, ...options });
}

/** The mean of all tokens' states: (seq, size) to (size). */
export function meanOfTokens(states: Float32Array, size: number): Float32Array {
  const sums = new Float64Array(size);
  states.forEach((value, i) => {
    (sums[i % size] as number) += value;
  });
  return Float32Array.from(sums, (sum) => sum / (states.length / size));
}

/** Scales each row of `size` to length 1, in place; a row of zeros stays. */
export function normalizeRows(data: Float32Array, size: number): void {
  for (let start = 0; start < data.length; start += size) {
    const row = data.subarray(start, start + size);
    const length = Math.hypot(...row);
    if (length > 0)
      row.forEach((value, i) => {
        row[i] = value / length;
      });
  }
}

/** One vector, as feature-extraction gives it with a pooling. */
export type Embedding = Tensor<Float32Array> | ArrayLike<number>;

/** A place in a list of embeddings, and how alike the one there is. */
export interface RankedEmbedding {
  readonly index: number;
  /** The cosine, from -1 to 1. */
  readonly score: number;
}

/**
 * The embeddings most like one of a query, best first: `top_k` of them, 10 unless given.
 *
 * @throws ERR_INPUT for options that are none, and for embeddings of another size than the query's, with the index
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
