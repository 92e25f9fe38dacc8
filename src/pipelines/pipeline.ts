/** What every pipeline shares: a model, its tokenizer, and the way from inputs over runs of the model to answers. */
import { type AsyncDisposableIfKnown, asyncDisposable } from '../disposable.js';
import { checkOptions, mismatch, type OptionNames, within } from '../errors.js';
import { AlbertPreTrainedModel, type ModelClass } from '../model/albert.js';
import type { AlbertInputs } from '../model/inputs.js';
import type { LoadOptions } from '../model/options.js';
import type { Source } from '../source.js';
import { SOURCE_OPTIONS } from '../source-options.js';
import { AlbertTokenizer, type Encoding } from '../tokenizer/tokenizer.js';

/** How a pipeline's model and tokenizer are loaded. */
export interface PipelineOptions extends LoadOptions {}

/** Options of one call. */
export interface CallOptions {
  /** Stops the call before the model's next layer. */
  readonly signal?: AbortSignal;
  /** The most sequences that run at once, 32 unless given; a run of several takes at most 512 tokens. */
  readonly batch_size?: number;
  /** Hears after each run how many inputs are answered. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export const CALL_OPTIONS: OptionNames<CallOptions> = { signal: true, batch_size: true, onProgress: true };

const BATCH_SIZE = 32;

/**
 * The most tokens of a run of several sequences. Texts of 5 to 24 tokens run 1.38 times as fast in runs of 256, 512 or 1,024
 * tokens as alone, texts of 5 to 128 tokens 1.01 to 1.07 times; 512 of ALBERT-base take 16 MB and keep a page waiting 2.6 s.
 */
const RUN_TOKENS = 512;

/**
 * A pipeline is called like a function: with one input for one result, with an array for one result each. `await using`
 * disposes of it, where the engine has it.
 */
export interface Pipeline<Result, Options extends CallOptions, Input = string> extends AsyncDisposableIfKnown {
  (input: Input, options?: Options): Promise<Result>;
  (inputs: readonly Input[], options?: Options): Promise<Result[]>;
  (input: Input | readonly Input[], options?: Options): Promise<Result | Result[]>;
  readonly model: AlbertPreTrainedModel<object>;
  readonly tokenizer: AlbertTokenizer;
  /** Gives the model's memory back. */
  dispose(): Promise<void>;
}

/** What the model runs: (seq), or (choices, seq). */
export interface Sequence extends AlbertInputs {
  readonly input_ids: number[] | number[][];
}

/** One or more. */
export type Some<T> = readonly [T, ...T[]];

/** What a task makes of one input. */
export interface Job<Fields, Result, S extends Sequence = Sequence> {
  /** They may end up in different runs. */
  readonly sequences: Some<S>;
  /** The result, from the model's output of each sequence. */
  decode(outputs: Some<Fields>): Result;
}

/** Runs sequences through a model. */
type Forward<Fields, S> = (sequences: readonly S[], options: { signal?: AbortSignal }) => Promise<Fields[]>;

/**
 * Makes a pipeline of a function that encodes one input.
 *
 * @param names the options of a call
 * @param encode throws for an input that is none; an array's is named by its index
 * @param forward how the model runs sequences; `forwardEach` unless given
 */
export function makePipeline<Input, Result, Options extends CallOptions, Fields extends object, S extends Sequence>(
  model: AlbertPreTrainedModel<Fields>,
  tokenizer: AlbertTokenizer,
  names: OptionNames<NoInfer<Options>>,
  encode: (input: Input, options: Options) => Job<Fields, Result, S>,
): Pipeline<Result, Options, Input>;
export function makePipeline<Input, Result, Options extends CallOptions, Fields extends object, S extends Sequence>(
  model: AlbertPreTrainedModel<object>,
  tokenizer: AlbertTokenizer,
  names: OptionNames<NoInfer<Options>>,
  encode: (input: Input, options: Options) => Job<Fields, Result, S>,
  forward: Forward<Fields, S>,
): Pipeline<Result, Options, Input>;
export function makePipeline<Input, Result, Options extends CallOptions>(
  model: AlbertPreTrainedModel<object>,
  tokenizer: AlbertTokenizer,
  names: OptionNames<NoInfer<Options>>,
  encode: (input: Input, options: Options) => Job<object, Result>,
  forward: Forward<object, Sequence> = (sequences, options) => model.forwardEach(sequences, options),
): Pipeline<Result, Options, Input> {
  /** An input is encoded when its run is being filled, not before: a long array must not lie in memory twice. */
  function* encodeEach(inputs: readonly Input[], options: Options) {
    for (const [i, input] of inputs.entries()) yield within(`inputs[${i}]`, () => encode(input, options));
  }
  async function call(input: Input | readonly Input[], given?: Options): Promise<Result | Result[]> {
    const options = checkOptions(given, names);
    if (Array.isArray(input)) return runJobs(encodeEach(input, options), forward, options, input.length);
    const [result] = await runJobs([encode(input as Input, options)], forward, options, 1);
    return result as Result;
  }
  const dispose = () => model.dispose();
  return asyncDisposable(Object.assign(call, { model, tokenizer, dispose })) as Pipeline<Result, Options, Input>;
}

/** Fills runs with the jobs' sequences in order, and decodes each job when its last output is there. */
async function runJobs<Fields, Result, S extends Sequence>(
  jobs: Iterable<Job<Fields, Result, S>>,
  forward: Forward<Fields, S>,
  { signal, batch_size = BATCH_SIZE, onProgress }: CallOptions,
  total: number,
): Promise<Result[]> {
  checkCount('batch_size', batch_size);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw mismatch('ERR_INPUT', 'onProgress', 'a function', onProgress);
  }
  const results: Result[] = [];
  let run: { sequence: S; outputs: Fields[]; job: Job<Fields, Result, S> }[] = [];
  let tokens = 0;
  const flush = async () => {
    const fields = await forward(
      run.map(({ sequence }) => sequence),
      { signal },
    );
    for (const [i, { outputs, job }] of run.entries()) {
      outputs.push(fields[i] as Fields);
      if (outputs.length === job.sequences.length) results.push(job.decode(outputs as unknown as Some<Fields>));
    }
    [run, tokens] = [[], 0];
    onProgress?.({ done: results.length, total });
  };
  for (const job of jobs) {
    const outputs: Fields[] = [];
    for (const sequence of job.sequences) {
      const length = sequence.input_ids.flat().length;
      if (run.length === batch_size || (run.length > 0 && tokens + length > RUN_TOKENS)) await flush();
      run.push({ sequence, outputs, job });
      tokens += length;
    }
  }
  if (run.length > 0) await flush();
  return results;
}

/** A task's model and its tokenizer, both from one source. */
export function openModel<M extends AlbertPreTrainedModel<object>>(
  Class: ModelClass<M>,
  source: Source,
  options: PipelineOptions,
): Promise<[M, AlbertTokenizer]> {
  const known = Object.entries(options).filter(([key]) => Object.hasOwn(SOURCE_OPTIONS, key));
  return Promise.all([
    AlbertPreTrainedModel.from_pretrained.call<ModelClass<M>, [Source, LoadOptions], Promise<M>>(
      Class,
      source,
      options,
    ),
    AlbertTokenizer.from_pretrained(source, Object.fromEntries(known)),
  ]);
}

/** One text's or pair's model inputs, cut to the positions that the model has. */
export function encodeForModel(
  tokenizer: AlbertTokenizer,
  model: AlbertPreTrainedModel<object>,
  text: string,
  text_pair?: string,
): Encoding {
  return tokenizer.encode(text, { text_pair, truncation: true, max_length: longestSequence(tokenizer, model) });
}

/** The most tokens of a sequence, special ones included. */
export function longestSequence(tokenizer: AlbertTokenizer, model: AlbertPreTrainedModel<object>): number {
  return Math.min(tokenizer.model_max_length, model.config.max_position_embeddings);
}

/** @throws ERR_INPUT unless an input is an object with a text under each of these keys */
export function checkTexts(input: unknown, ...keys: readonly string[]): void {
  if (typeof input !== 'object' || input === null) {
    throw mismatch('ERR_INPUT', 'input', `an object with ${keys.join(' and ')}`, input);
  }
  for (const key of keys) {
    const text = (input as Readonly<Record<string, unknown>>)[key];
    if (typeof text !== 'string') throw mismatch('ERR_INPUT', key, 'a string', text);
  }
}

/** @throws ERR_INPUT unless an input's list is an array of texts, at least one */
export function checkTextList(title: string, texts: unknown): void {
  if (!Array.isArray(texts) || texts.length === 0) {
    throw mismatch('ERR_INPUT', title, 'an array of texts, at least one', texts);
  }
  texts.forEach((text, i) => {
    if (typeof text !== 'string') throw mismatch('ERR_INPUT', title, 'a string', text, `[${i}]`);
  });
}

/** Checks an option that counts, such as `top_k`. */
export function checkCount(title: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 1) throw mismatch('ERR_INPUT', title, 'an integer from 1', count);
}

/** Checks a `top_k` that may be `null`, for all. @returns how many */
export function checkTopK(top_k: number | null): number {
  if (top_k !== null) checkCount('top_k', top_k);
  return top_k ?? Number.POSITIVE_INFINITY;
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
