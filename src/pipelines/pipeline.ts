/** What every pipeline shares: a model, its tokenizer, and a function from text to answers. */
import { checkOptions, mismatch } from '../errors.js';
import type { AlbertPreTrainedModel } from '../model/albert.js';
import type { LoadOptions } from '../model/options.js';
import type { AlbertTokenizer, Encoding } from '../tokenizer/tokenizer.js';

export interface PipelineOptions extends LoadOptions {}

/** Options of one call. */
export interface CallOptions {
  /** Stops the call before the model's next layer. */
  readonly signal?: AbortSignal;
}

/** A pipeline is called like a function: with one text for one result, with an array for one result each. */
export interface Pipeline<Result, Options extends CallOptions> {
  (text: string, options?: Options): Promise<Result>;
  (texts: readonly string[], options?: Options): Promise<Result[]>;
  (input: string | readonly string[], options?: Options): Promise<Result | Result[]>;
  readonly model: AlbertPreTrainedModel<object>;
  readonly tokenizer: AlbertTokenizer;
  /** Gives the model's memory back. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes a pipeline of a function that answers one text. */
export function makePipeline<Result, Options extends CallOptions>(
  model: AlbertPreTrainedModel<object>,
  tokenizer: AlbertTokenizer,
  answer: (text: string, options: Options) => Promise<Result>,
): Pipeline<Result, Options> {
  async function call(input: string | readonly string[], given?: Options): Promise<Result | Result[]> {
    const options = checkOptions(given);
    if (typeof input === 'string') return answer(input, options);
    if (!Array.isArray(input) || input.some((text) => typeof text !== 'string')) {
      throw mismatch('ERR_INPUT', 'texts', 'a string or an array of strings', input);
    }
    const results: Result[] = [];
    for (const text of input as readonly string[]) results.push(await answer(text, options));
    return results;
  }
  const dispose = () => model.dispose();
  return Object.assign(call, { model, tokenizer, dispose, [Symbol.asyncDispose]: dispose }) as Pipeline<
    Result,
    Options
  >;
}

/** One text's model inputs, cut to the positions that the model has. */
export function encodeForModel(
  tokenizer: AlbertTokenizer,
  model: AlbertPreTrainedModel<object>,
  text: string,
): Encoding {
  return tokenizer.encode(text, {
    truncation: true,
    max_length: Math.min(tokenizer.model_max_length, model.config.max_position_embeddings),
  });
}

/** Checks a `top_k`. */
export function checkTopK(top_k: number): number {
  if (!Number.isSafeInteger(top_k) || top_k < 1) throw mismatch('ERR_INPUT', 'top_k', 'an integer from 1', top_k);
  return top_k;
}

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
