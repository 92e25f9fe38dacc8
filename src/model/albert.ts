/** The base of every ALBERT model: loading, the forward method, saving, disposing. */
import { yieldToEventLoop } from '#platform';
import { Engine } from '../engine/engine.js';
import { Region } from '../engine/memory.js';
import { type Runtime, type RuntimeOptions, startRuntime } from '../engine/runtime.js';
import type { Dtype } from '../engine/schemes.js';
import { AlbertError, checkOptions, throwIfAborted } from '../errors.js';
import { openSource, type Source } from '../source.js';
import type { Tensor } from '../tensor.js';
import { isInt8 } from '../weights/int8.js';
import { openCheckpoint } from '../weights/open.js';
import { type AlbertConfig, parseConfig } from './config.js';
import { runForward } from './forward.js';
import type { Head } from './head.js';
import { initialValue } from './initialize.js';
import { type AlbertInputs, checkEach, checkInputs, checkPositions } from './inputs.js';
import { type Layout, layOut } from './layout.js';
import { matchCheckpoint } from './load.js';
import {
  type CommonOutput,
  checkDropout,
  checkInitOptions,
  checkSeed,
  type FieldArray,
  type ForwardOptions,
  type InitOptions,
  type LoadOptions,
  type LoadReport,
  type ModelInfo,
  withoutTrain,
} from './options.js';
import { type ParameterSource, packParameters, readParameter } from './pack.js';
import { type Parameter, stagingFloats } from './parameters.js';
import { pack, type Run } from './run.js';
import { type SaveOptions, saveModel } from './save.js';

/** A model class: what `from_pretrained` and `from_config` are called on. */
export interface ModelClass<M> {
  readonly head: Head;
  new (config: AlbertConfig, engine: Engine): M;
}

export abstract class AlbertPreTrainedModel<Fields extends object = object> {
  /** Frozen. */
  readonly config: AlbertConfig;
  readonly #head: Head;
  readonly #weights: Region;
  readonly #layout: Layout;
  #engine: Engine | undefined;
  /** Settles when the newest forward has: calls run one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  #report: LoadReport = { initialized: [], ignored: [] };

  /** Lays the parameters out. Use `from_pretrained` or `from_config`, which also claim their memory and fill it. */
  constructor(config: AlbertConfig, engine: Engine) {
    this.config = config;
    this.#engine = engine;
    this.#head = (this.constructor as unknown as ModelClass<unknown>).head;
    this.#weights = engine.memory.region();
    this.#layout = layOut(this.#weights, engine, config, this.#head);
  }

  /**
   * Loads a checkpoint: `config.json` and `model.safetensors` (or its sharded index) or `flax_model.msgpack`.
   *
   * @throws ERR_INPUT for options that are none, ERR_SOURCE, ERR_CONFIG, ERR_CHECKPOINT, ERR_PARAMETER (every misfit by
   *   name), ERR_MEMORY, ERR_ABORTED
   */
  static async from_pretrained<M extends AlbertPreTrainedModel<object>>(
    this: ModelClass<M>,
    source: Source,
    given?: LoadOptions,
  ): Promise<M> {
    const options = checkOptions(given);
    const { signal, strict = false, onWarning = console.warn } = options;
    const checked = checkInitOptions(options);
    throwIfAborted(signal);
    const opened = await openSource(source, options);
    return withRuntime(checked, async (runtime) => {
      const json = await opened.readFile('config.json', signal);
      if (json === undefined) throw new AlbertError('ERR_SOURCE', `there is no config.json in ${opened.name}`);
      const config = parseConfig(parseJson(json));
      await using checkpoint = await openCheckpoint(opened, { signal });
      const { dtype = isInt8(checkpoint) ? 'int8' : 'float32' } = checked;
      const model = new this(config, makeEngine(await runtime, config, dtype));
      const base: AlbertPreTrainedModel<object> = model;
      const { sources, missing, surplus } = matchCheckpoint(base.#layout.parameters, checkpoint, strict);
      await base.#fill(sources, 0, signal);
      base.#report = { initialized: missing.map(({ name }) => name), ignored: surplus };
      if (missing.length > 0) {
        const names = base.#report.initialized.join(', ');
        onWarning(`${opened.name} lacks ${names}: initialised at random, train before use`);
      }
      return model;
    });
  }

  /** A model of random parameters, initialised as FlaxAlbert does. */
  static async from_config<M extends AlbertPreTrainedModel<object>>(
    this: ModelClass<M>,
    config: Readonly<Record<string, unknown>>,
    given?: InitOptions & { readonly seed?: number },
  ): Promise<M> {
    const options = checkOptions(given);
    const { seed = 0 } = options;
    const checked = checkInitOptions(options);
    checkSeed('seed', seed);
    const parsed = parseConfig(config);
    return withRuntime(checked, async (runtime) => {
      const model = new this(parsed, makeEngine(await runtime, parsed, checked.dtype ?? 'float32'));
      await (model as AlbertPreTrainedModel<object>).#fill(new Map(), seed);
      return model;
    });
  }

  /**
   * FlaxAlbert's `__call__`. Calls queue; one that fails affects no other.
   *
   * @returns the head's fields, each the caller's own copy
   * @throws ERR_INPUT and ERR_TOO_LONG before any kernel runs, ERR_MEMORY, ERR_ABORTED, ERR_DISPOSED
   */
  forward(inputs: AlbertInputs, options: ForwardOptions & { readonly return_dict: false }): Promise<FieldArray>;
  forward(inputs: AlbertInputs, options?: ForwardOptions): Promise<Fields & CommonOutput>;
  async forward(inputs: AlbertInputs, given?: ForwardOptions): Promise<unknown> {
    const options = checkOptions(given);
    // Checked and copied now: what the caller does to his arrays later is his own affair.
    const run = pack([checkInputs(inputs, this.config, this.#head.rank)]);
    checkDropout(options);
    const [fields] = await this.#enqueue(run, options);
    return fields;
  }

  /**
   * `forward` of each of several inputs, whatever their lengths, as one run: their tokens are packed one after another,
   * and no padding is computed.
   *
   * @returns for each what `forward` returns, bit for bit
   * @throws what `forward` throws, ERR_INPUT and ERR_TOO_LONG naming the input at fault; ERR_INPUT for `train`: dropout
   *   falls by an element's place in the run
   */
  forwardEach(
    inputs: readonly AlbertInputs[],
    options: ForwardOptions & { readonly return_dict: false },
  ): Promise<FieldArray[]>;
  forwardEach(inputs: readonly AlbertInputs[], options?: ForwardOptions): Promise<(Fields & CommonOutput)[]>;
  async forwardEach(inputs: readonly AlbertInputs[], given?: ForwardOptions): Promise<unknown> {
    const options = withoutTrain(checkOptions(given));
    return this.#enqueue(pack(checkEach(inputs, this.config, this.#head.rank)), options);
  }

  /**
   * `forwardEach` of single sequences whose head computes some positions only. Logits for 16,000 words at one mask of 32
   * tokens take 9 % less time than at all of them (8 layers of 512), and 64 KB instead of 2 MB.
   *
   * @param positions for each sequence, increasing positions, at least one
   * @returns as `forwardEach`, but fields of tokens are (positions, …) instead of (1, seq, …)
   */
  async forwardAt(
    inputs: readonly AlbertInputs[],
    positions: readonly (readonly number[])[],
    given?: ForwardOptions,
  ): Promise<(Fields & CommonOutput)[]> {
    const options = withoutTrain(checkOptions(given));
    const checked = checkEach(inputs, this.config, this.#head.rank);
    const run = pack(checked, checkPositions(positions, checked));
    return this.#enqueue(run, options) as Promise<(Fields & CommonOutput)[]>;
  }

  /**
   * The parameters by PyTorch's names, in FlaxAlbert's order: a float32 copy of all of them, (out, in) for dense weights.
   * What is stored in int8 comes dequantised: the nearest that its channel's 255 levels have to the checkpoint's numbers.
   */
  get params(): ReadonlyMap<string, Tensor<Float32Array>> {
    const engine = this.#alive();
    return new Map(this.#layout.parameters.map((parameter) => [parameter.name, readParameter(engine, parameter)]));
  }

  /** What the checkpoint lacked and what it had too much of. */
  get loadReport(): LoadReport {
    return this.#report;
  }

  info(): ModelInfo {
    const engine = this.#alive();
    return {
      dtype: engine.dtype,
      ...engine.threads,
      kernels: engine.build,
      weightBytes: this.#weights.end - this.#weights.start,
      memoryBytes: engine.memory.bytes,
    };
  }

  /**
   * Writes `config.json` and the weights into a directory (Node), under the names that Hugging Face libraries read: the
   * numbers that `params` gives, so of an int8 model the dequantised ones. With `dtype: 'int8'`, for this library alone, the
   * large matrices as an int8 model holds them. The tokenizer is not the model's: copy its files to load the directory as a pipeline.
   */
  async save_pretrained(directory: string | URL, options?: SaveOptions): Promise<void> {
    const config = { ...this.config, architectures: [this.constructor.name] };
    await saveModel(this.#alive(), this.#layout.parameters, config, directory, checkOptions(options));
  }

  /**
   * Ends the model and its workers: a forward that has begun runs to its end, all others reject with ERR_DISPOSED. Then the
   * memory is free.
   */
  async dispose(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    if (engine !== undefined) this.#queue = this.#queue.then(() => engine.dispose());
    await this.#queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** Runs when all forwards before it have settled. */
  async #enqueue(run: Run, options: ForwardOptions): Promise<unknown[]> {
    const { signal, return_dict = true } = options;
    const turn = this.#queue.then(async () => {
      // The event loop has its turn between any two forwards: a queue of them must not silence a server or a page.
      await yieldToEventLoop();
      const engine = this.#alive();
      await engine.ready();
      throwIfAborted(signal);
      return run.tokens === 0 ? [] : runForward(engine, this.config, this.#head, this.#layout, run, options);
    });
    this.#queue = turn.catch(() => {});
    const outputs = await turn;
    return return_dict ? outputs : outputs.map((fields) => Object.values(fields));
  }

  #alive(): Engine {
    if (this.#engine === undefined) throw new AlbertError('ERR_DISPOSED', 'the model has been disposed');
    return this.#engine;
  }

  /**
   * Claims the weights' memory and packs the parameters, initialising those that have no source. Settles when the model is
   * ready to run.
   */
  async #fill(sources: ReadonlyMap<Parameter, ParameterSource>, seed: number, signal?: AbortSignal): Promise<void> {
    const all = new Map(
      this.#layout.parameters.map((parameter, index) => [
        parameter,
        sources.get(parameter) ?? initialValue(parameter, index, seed, this.config.initializer_range),
      ]),
    );
    const engine = this.#alive();
    const region = new Region(this.#weights.end);
    const staging = region.take(stagingFloats(this.#layout.parameters) * 4);
    engine.memory.claim(region);
    await packParameters(engine, all, this.#weights, staging, signal);
    engine.memory.release(this.#weights.end);
    await engine.ready();
  }
}

/** Loads a model while its kernels are compiled and its workers start; when the one fails, the others end. */
async function withRuntime<M>(options: RuntimeOptions, load: (runtime: Promise<Runtime>) => Promise<M>): Promise<M> {
  const runtime = startRuntime(options);
  // Awaited by `load`; until then an error of the files must not leave this one unheard.
  runtime.catch(() => {});
  try {
    return await load(runtime);
  } catch (error) {
    await runtime.then(
      ({ threads }) => threads?.end(),
      () => {},
    );
    throw error;
  }
}

/** An engine for a model of this configuration. */
function makeEngine(runtime: Runtime, config: AlbertConfig, dtype: Dtype): Engine {
  const inputs = Math.max(config.embedding_size, config.hidden_size, config.intermediate_size);
  return new Engine(runtime, { dtype, inputs });
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AlbertError('ERR_CONFIG', `config.json is not JSON: ${(cause as Error).message}`, { cause });
  }
}
