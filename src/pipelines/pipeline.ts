/** What every pipeline shares: a model, its tokenizer, and the way from inputs to answers. */

import { reading } from '../ground/checks.js';
import { type AsyncDisposableIfKnown, asyncDisposable } from '../ground/disposable.js';
import { within } from '../ground/errors.js';
import { checkOptions, type OptionNames } from '../ground/options.js';
import { type OpenedSource, openSource, type Source } from '../ground/source.js';
import { type AlbertPreTrainedModel, loadModel, type ModelClass } from '../model/albert.js';
import { LOAD_OPTIONS, type LoadOptions } from '../model/options.js';
import { AlbertTokenizer, TOKENIZER_OPTIONS, type TokenizerOptions } from '../tokenizer/tokenizer.js';
import { type CallOptions, type Forward, runJobs, type Sequence, type Work } from './jobs.js';
import { Texts } from './texts.js';

/** How a pipeline's model and tokenizer are loaded. */
export interface PipelineOptions extends LoadOptions, TokenizerOptions {
  /** A tokenizer, or the source of one (its main revision), for a checkpoint without a tokenizer. */
  readonly tokenizer?: Source | AlbertTokenizer;
}

export const PIPELINE_OPTIONS: OptionNames<PipelineOptions> = {
  ...LOAD_OPTIONS,
  ...TOKENIZER_OPTIONS,
  tokenizer: true,
};

/**
 * A pipeline is called like a function: with one input for one result, with an array for one result per input. `await using`
 * disposes of it, where the engine supports that.
 */
export interface Pipeline<Result, Options extends CallOptions, Input = string> extends AsyncDisposableIfKnown {
  (input: Input, options?: Options): Promise<Result>;
  (inputs: readonly Input[], options?: Options): Promise<Result[]>;
  (input: Input | readonly Input[], options?: Options): Promise<Result | Result[]>;
  readonly model: AlbertPreTrainedModel<object>;
  readonly tokenizer: AlbertTokenizer;
  /** Frees the model's memory. */
  dispose(): Promise<void>;
}

/**
 * Makes a pipeline of a function that encodes one input.
 *
 * @param names the options of a call
 * @param encode throws for an invalid input; the pipeline adds its index in an array. Many texts of one input are many jobs
 * @param forward how the model runs sequences; default: `forwardEach`
 * @param isBatch whether an input is an array of inputs; default: whether it is an array
 */
export function makePipeline<Input, Result, Options extends CallOptions, Fields extends object, S extends Sequence>(
  model: AlbertPreTrainedModel<Fields>,
  tokenizer: AlbertTokenizer,
  names: OptionNames<NoInfer<Options>>,
  encode: (input: Input, options: Options) => Work<Fields, Result, S>,
): Pipeline<Result, Options, Input>;
export function makePipeline<Input, Result, Options extends CallOptions, Fields extends object, S extends Sequence>(
  model: AlbertPreTrainedModel<object>,
  tokenizer: AlbertTokenizer,
  names: OptionNames<NoInfer<Options>>,
  encode: (input: Input, options: Options) => Work<Fields, Result, S>,
  forward?: Forward<Fields, S>,
  isBatch?: (input: unknown, options: Options) => boolean,
): Pipeline<Result, Options, Input>;
export function makePipeline<Input, Result, Options extends CallOptions>(
  model: AlbertPreTrainedModel<object>,
  tokenizer: AlbertTokenizer,
  names: OptionNames<NoInfer<Options>>,
  encode: (input: Input, options: Options) => Work<object, Result, Sequence>,
  forward: Forward<object, Sequence> = (sequences, options) => model.forwardEach(sequences, options),
  isBatch: (input: unknown, options: Options) => boolean = Array.isArray,
): Pipeline<Result, Options, Input> {
  /** An input is encoded when its run is being filled, not before: a long array must not be in memory twice. */
  function* encodeEach(inputs: readonly Input[], options: Options): Iterable<Work<object, Result, Sequence>> {
    for (const [i, input] of inputs.entries()) {
      const work = within(`inputs[${i}]`, () => reading('input', () => encode(input, options)));
      yield 'jobs' in work ? { ...work, jobs: () => eachWithin(`inputs[${i}]`, work.jobs()) } : work;
    }
  }
  async function call(input: Input | readonly Input[], given?: Options): Promise<Result | Result[]> {
    const options = checkOptions(given, names);
    const inputs = reading('inputs', () =>
      isBatch(input, options) ? Array.from(input as readonly Input[]) : undefined,
    );
    if (inputs !== undefined) return runJobs(encodeEach(inputs, options), forward, options, inputs.length);
    const work = reading('input', () => encode(input as Input, options));
    const [result] = await runJobs([work], forward, options, 1);
    return result as Result;
  }
  const dispose = () => model.dispose();
  return asyncDisposable(Object.assign(call, { model, tokenizer, dispose })) as Pipeline<Result, Options, Input>;
}

/** The items; errors in getting them name the input. */
function* eachWithin<T>(where: string, items: Iterable<T>): Iterable<T> {
  const iterator = items[Symbol.iterator]();
  for (;;) {
    const next = within(where, () => iterator.next());
    if (next.done) return;
    yield next.value;
  }
}

/** What a task runs on. */
export interface Loaded<M> {
  readonly model: M;
  readonly tokenizer: AlbertTokenizer;
  /** Encodes texts for the model. */
  readonly texts: Texts;
}

/**
 * A task's model and its tokenizer, from one source; the tokenizer may have another.
 *
 * @param onWarning receives a warning when a text is cut
 * @throws what the first one that fails throws; by then the other has ended and left nothing behind
 */
export async function openModel<M extends AlbertPreTrainedModel<object>>(
  Class: ModelClass<M>,
  source: OpenedSource,
  options: PipelineOptions,
  onWarning = options.onWarning ?? console.warn,
): Promise<Loaded<M>> {
  const { tokenizer: other, do_lower_case, keep_accents, model_max_length, ...modelOptions } = options;
  const { signal } = options;
  const both = new AbortController();
  const abort = () => both.abort(signal?.reason);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  const loading = loadModel(Class, source, { ...modelOptions, signal: both.signal });
  const settings = { do_lower_case, keep_accents, model_max_length };
  const opening = openTokenizer(other, source, { ...modelOptions, signal: both.signal }, settings);
  try {
    const [model, tokenizer] = await Promise.all([loading, opening]);
    const longest = Math.min(tokenizer.model_max_length, model.config.max_position_embeddings);
    return { model, tokenizer, texts: new Texts(tokenizer, longest, onWarning) };
  } catch (error) {
    both.abort(error);
    const [loaded] = await Promise.allSettled([loading, opening]);
    if (loaded.status === 'fulfilled') await loaded.value.dispose();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** The given tokenizer, that of the given source, or the model's own. */
async function openTokenizer(
  given: PipelineOptions['tokenizer'],
  source: OpenedSource,
  options: LoadOptions,
  settings: TokenizerOptions,
): Promise<AlbertTokenizer> {
  if (given instanceof AlbertTokenizer) return given;
  // A revision is the model's.
  const opened = given === undefined ? source : await openSource(given, { ...options, revision: undefined });
  return AlbertTokenizer.from_opened(opened, options.signal, settings);
}
