/** The base of every ALBERT model: loading, the forward method, saving, disposing. */

import { throwIfAborted } from '../ground/abort.js';
import { reading } from '../ground/checks.js';
import { type AsyncDisposableIfKnown, asyncDisposable } from '../ground/disposable.js';
import { checkOptions } from '../ground/options.js';
import { printable } from '../ground/printable.js';
import { type OpenedSource, openSource, type Source } from '../ground/source.js';
import { asOneLoad } from '../ground/source-options.js';
import type { Tensor } from '../ground/tensor.js';
import { RARE_READERS } from '../weights/rare.js';
import type { Architecture } from './architecture.js';
import { type AlbertConfig, parseConfig } from './config.js';
import { type AlbertInputs, type CheckedInputs, checkEach, checkInputs, checkPositions } from './inputs.js';
import { HEADS } from './network/heads/index.js';
import {
  type CommonOutput,
  checkDirectory,
  checkDropout,
  checkForwardOptions,
  checkInitOptions,
  checkSeed,
  type FieldArray,
  type ForwardOptions,
  INIT_OPTIONS,
  type InitOptions,
  LOAD_OPTIONS,
  type LoadOptions,
  type LoadReport,
  type ModelInfo,
  OPTIONS_ELSEWHERE,
  SAVE_OPTIONS,
  type SaveOptions,
  withoutTrain,
} from './options.js';
import { type ChosenRunner, chooseRunner } from './runners/choose.js';
import type { ForwardCall, Recipe, Runner } from './runners/runner.js';

/** A model class: what `from_pretrained` and `from_config` are called on. */
export interface ModelClass<M> {
  readonly architecture: Architecture;
  new (chosen: ChosenRunner): M;
}

/**
 * What the seven classes share: FlaxAlbert's loading, calling and saving; `Fields` are the outputs of the head. Where the
 * engine has `await using`, it disposes of a model.
 */
// biome-ignore lint/correctness/noUnusedVariables: a declaration that merges with the class names its parameter alike
export interface AlbertPreTrainedModel<Fields extends object = object> extends AsyncDisposableIfKnown {}
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines what the interface adds
export abstract class AlbertPreTrainedModel<Fields extends object = object> {
  static {
    asyncDisposable(AlbertPreTrainedModel.prototype);
  }

  /** @internal The runner of a model, for the other rooms of this library. */
  static runnerOf(model: AlbertPreTrainedModel): Runner {
    return model.#runner;
  }

  readonly #runner: Runner;
  readonly #whyNoWorker: string | undefined;
  readonly #rank: 2 | 3;

  /** Use `from_pretrained` or `from_config`. */
  constructor({ runner, whyNoWorker }: ChosenRunner) {
    this.#runner = runner;
    this.#whyNoWorker = whyNoWorker;
    this.#rank = HEADS[(this.constructor as unknown as ModelClass<unknown>).architecture].rank;
  }

  /**
   * Loads a checkpoint: `config.json` and `model.safetensors`, `flax_model.msgpack` or `pytorch_model.bin`; also in shards,
   * if an index lists them.
   *
   * @throws ERR_INPUT for unknown options, ERR_SOURCE, ERR_CONFIG, ERR_CHECKPOINT, ERR_PARAMETER (every misfit by
   *   name), ERR_MEMORY, ERR_WORKER, ERR_ABORTED
   */
  static async from_pretrained<M extends AlbertPreTrainedModel<object>>(
    this: ModelClass<M>,
    source: Source,
    given?: LoadOptions,
  ): Promise<M> {
    const options = asOneLoad(checkOptions(given, LOAD_OPTIONS, OPTIONS_ELSEWHERE), { weights: true });
    checkInitOptions(options);
    throwIfAborted(options.signal);
    return loadModel(this, await openSource(source, options), options);
  }

  /** A model with random parameters, initialised as FlaxAlbert does. */
  static async from_config<M extends AlbertPreTrainedModel<object>>(
    this: ModelClass<M>,
    config: Readonly<Record<string, unknown>>,
    given?: InitOptions & { readonly seed?: number },
  ): Promise<M> {
    const options = checkOptions(given, { ...INIT_OPTIONS, seed: true }, OPTIONS_ELSEWHERE);
    const { seed = 0 } = options;
    const { worker, ...checked } = checkInitOptions(options);
    checkSeed('seed', seed);
    const origin = { config: parseConfig(config), seed };
    return make(this, { origin, options: checked }, worker);
  }

  /** Frozen. */
  get config(): AlbertConfig {
    return this.#runner.config;
  }

  /**
   * FlaxAlbert's `__call__`. Calls queue; a call that fails does not affect the others.
   *
   * @returns the head's fields, each the caller's own copy
   * @throws ERR_INPUT and ERR_TOO_LONG before any kernel runs, ERR_MEMORY, ERR_ABORTED, ERR_DISPOSED
   */
  forward(inputs: AlbertInputs, options: ForwardOptions & { readonly return_dict: false }): Promise<FieldArray>;
  forward(inputs: AlbertInputs, options?: ForwardOptions): Promise<Fields & CommonOutput>;
  async forward(inputs: AlbertInputs, given?: ForwardOptions): Promise<unknown> {
    const options = checkForwardOptions(given);
    // Checked and copied now: the caller may change its arrays afterwards.
    const checked = reading('inputs', () => checkInputs(inputs, this.config, this.#rank));
    checkDropout(options);
    const [fields] = await this.#run({ inputs: [checked], options });
    return fields;
  }

  /**
   * `forward` of each of several inputs, whatever their lengths, as one batch: their tokens are packed one after another,
   * and no padding is computed.
   *
   * @returns for each what `forward` returns, bit for bit
   * @throws what `forward` throws, ERR_INPUT and ERR_TOO_LONG naming the input at fault; ERR_INPUT for `train`: dropout
   *   drops an element by its index in the batch
   */
  forwardEach(
    inputs: readonly AlbertInputs[],
    options: ForwardOptions & { readonly return_dict: false },
  ): Promise<FieldArray[]>;
  forwardEach(inputs: readonly AlbertInputs[], options?: ForwardOptions): Promise<(Fields & CommonOutput)[]>;
  async forwardEach(inputs: readonly AlbertInputs[], given?: ForwardOptions): Promise<unknown> {
    const options = withoutTrain(checkForwardOptions(given));
    return this.#run({ inputs: this.#checkEach(inputs), options });
  }

  /**
   * `forwardEach` of single sequences whose head computes only some positions. For a vocabulary of 16,000, 8 layers of 512
   * and one mask among 32 tokens, that takes 9 % less time than all positions, and 64 KB of logits instead of 2 MB.
   *
   * @param positions for each sequence, increasing positions, at least one
   * @returns as `forwardEach`, but fields of tokens are (positions, …) instead of (1, seq, …)
   */
  async forwardAt(
    inputs: readonly AlbertInputs[],
    positions: readonly (readonly number[])[],
    given?: ForwardOptions,
  ): Promise<(Fields & CommonOutput)[]> {
    const options = withoutTrain(checkForwardOptions(given));
    const checked = this.#checkEach(inputs);
    const headPositions = reading('positions', () => checkPositions(positions, checked));
    return this.#run({ inputs: checked, headPositions, options }) as Promise<(Fields & CommonOutput)[]>;
  }

  /**
   * The parameters by PyTorch's names, in FlaxAlbert's order: a float32 copy of all of them, (out, in) for dense weights.
   * int8 weights are dequantised: each is the nearest of its channel's 255 levels to the checkpoint's number.
   *
   * @throws ERR_ENVIRONMENT for a model in a worker, ERR_DISPOSED
   */
  get params(): ReadonlyMap<string, Tensor<Float32Array>> {
    return this.#runner.params();
  }

  /** Missing and unused tensors of the checkpoint. */
  get loadReport(): LoadReport {
    return this.#runner.report;
  }

  /** The kernels, threads, workers and memory that the model uses. */
  info(): ModelInfo {
    const whyNoWorker = this.#whyNoWorker;
    return { ...this.#runner.info(), ...(whyNoWorker !== undefined && { whyNoWorker }) };
  }

  /**
   * Writes `config.json` and the weights into a directory (Node), under the names that Hugging Face libraries read. The
   * numbers are those of `params`; those of an int8 model are dequantised. With `dtype: 'int8'` the large matrices are written
   * as an int8 model holds them, which only this library reads. The tokenizer is not part of the model: copy its files to load
   * the directory as a pipeline.
   */
  async save_pretrained(directory: string | URL, options?: SaveOptions): Promise<void> {
    checkDirectory(directory);
    await this.#runner.save(directory, checkOptions(options, SAVE_OPTIONS));
  }

  /**
   * Ends the model, its workers and its threads' helpers. A forward that has begun runs to its end; all others reject with
   * ERR_DISPOSED. Then the memory is free.
   */
  async dispose(): Promise<void> {
    await this.#runner.dispose();
  }

  #checkEach(inputs: readonly AlbertInputs[]): CheckedInputs[] {
    return reading('inputs', () => checkEach(inputs, this.config, this.#rank));
  }

  async #run(call: ForwardCall): Promise<unknown[]> {
    const { return_dict = true, ...options } = call.options;
    const outputs = await this.#runner.run({ ...call, options });
    return return_dict ? outputs : outputs.map((fields) => Object.values(fields));
  }
}

/** `from_pretrained` of a source that is open. */
export async function loadModel<M extends AlbertPreTrainedModel<object>>(
  Class: ModelClass<M>,
  opened: OpenedSource,
  options: LoadOptions,
): Promise<M> {
  const { signal, strict = false, onWarning = console.warn } = options;
  const { worker, ...checked } = checkInitOptions(options);
  const model = await make(
    Class,
    { origin: { source: opened, readers: RARE_READERS, strict }, options: checked },
    worker,
    signal,
  );
  const { initialized } = model.loadReport;
  if (initialized.length > 0) {
    const names = initialized.join(', ');
    onWarning(printable(`${names} not found in ${opened.name}: initialised at random, train before use`));
  }
  return model;
}

async function make<M>(
  Class: ModelClass<M>,
  recipe: Omit<Recipe, 'architecture'>,
  worker: boolean | undefined,
  signal?: AbortSignal,
): Promise<M> {
  return new Class(await chooseRunner({ ...recipe, architecture: Class.architecture }, worker, signal));
}
