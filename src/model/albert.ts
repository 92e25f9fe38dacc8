/** The base of every ALBERT model: loading, the forward method, saving, disposing. */
import { Engine } from '../engine/engine.js';
import { compileKernels } from '../engine/kernels.js';
import type { Region } from '../engine/memory.js';
import { rowsOf } from '../engine/memory.js';
import { DTYPES, type Dtype } from '../engine/schemes.js';
import { AlbertError, mismatch, throwIfAborted } from '../errors.js';
import { openSource, type Source } from '../source.js';
import type { Tensor } from '../tensor.js';
import { openCheckpoint } from '../weights/open.js';
import { type AlbertConfig, parseConfig } from './config.js';
import { DropoutStream } from './dropout.js';
import { embed } from './embeddings.js';
import { type Collected, encode } from './encoder.js';
import type { Head } from './head.js';
import { initialValue } from './initialize.js';
import { type AlbertInputs, type CheckedInputs, checkInputs } from './inputs.js';
import { matchCheckpoint, matchParams, type ParameterSource, packParameters, readParameter } from './load.js';
import { type BodyParameters, declareBody, type Parameter, ParameterTable, stagingFloats } from './parameters.js';
import { planBody } from './plan.js';
import { type SaveOptions, saveModel } from './save.js';

/** Memory that a model may take unless the caller allows more: 1 GiB. */
const DEFAULT_MAX_MEMORY_BYTES = 2 ** 30;

export interface InitOptions {
  /**
   * How the large weight matrices are stored and multiplied. `int8`: a quarter of the memory, one scale a channel,
   * activations quantised on their way in; biases, layer norms and classifiers stay float32. `float32` unless given.
   */
  readonly dtype?: Dtype;
  /** The kernels to run instead of the fastest that this engine supports. */
  readonly wasmUrl?: string | URL;
  /** The most bytes that the model's memory may grow to; 1 GiB unless raised, 4 GiB at most. */
  readonly maxMemoryBytes?: number;
}

export interface LoadOptions extends InitOptions {
  /** A checkpoint without the weights of this head is an error instead of a warning. */
  readonly strict?: boolean;
  readonly signal?: AbortSignal;
  /** Hears of head weights that a checkpoint lacks and that were initialised; `console.warn` unless given. */
  readonly onWarning?: (message: string) => void;
}

export interface ForwardOptions {
  /** Return the attention weights of every layer. */
  readonly output_attentions?: boolean;
  /** Return the hidden states after every layer. */
  readonly output_hidden_states?: boolean;
  /** false: an array in FlaxAlbert's order instead of named fields. */
  readonly return_dict?: boolean;
  /** Apply dropout at FlaxAlbert's places and rates. */
  readonly train?: boolean;
  /** The seed of the dropout masks: the same seed drops the same elements. */
  readonly dropout_rng?: number;
  /** Other parameters for this call, by the names that `params` has. */
  readonly params?: ReadonlyMap<string, Tensor>;
  /** Stops the forward before its next layer. */
  readonly signal?: AbortSignal;
}

/** What FlaxAlbert adds to a head's fields when asked to. */
export interface CommonOutput {
  readonly hidden_states?: readonly Tensor<Float32Array>[];
  readonly attentions?: readonly Tensor<Float32Array>[];
}

export interface ModelInfo {
  readonly dtype: Dtype;
  readonly threads: number;
  readonly kernels: 'simd' | 'relaxed-simd';
  /** Bytes of the packed weights. */
  readonly weightBytes: number;
  /** Bytes of the model's memory: weights, constants and the activations of its largest forward. */
  readonly memoryBytes: number;
}

/** A model class: what `from_pretrained` and `from_config` are called on. */
export interface ModelClass<M> {
  readonly head: Head;
  new (config: AlbertConfig, engine: Engine): M;
}

/** The addresses of a whole model's parameters. */
interface Layout {
  readonly parameters: readonly Parameter[];
  readonly body: BodyParameters;
  readonly head: unknown;
}

/** Where a checkpoint's tensors ended up. */
export interface LoadReport {
  /** Head weights that the checkpoint lacks, initialised as FlaxAlbert does. */
  readonly initialized: readonly string[];
  /** Tensors of the checkpoint that this model does not use. */
  readonly ignored: readonly string[];
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

  /** Lays the parameters out. Use `from_pretrained` or `from_config`, which also fill them. */
  constructor(config: AlbertConfig, engine: Engine) {
    this.config = config;
    this.#engine = engine;
    this.#head = (this.constructor as unknown as ModelClass<unknown>).head;
    this.#weights = engine.memory.region();
    this.#layout = this.#lay(this.#weights, engine);
    engine.memory.claim(this.#weights);
  }

  /**
   * Loads a checkpoint: `config.json` and `model.safetensors` (or its sharded index) or `flax_model.msgpack`.
   *
   * @throws ERR_INPUT for an unknown dtype, ERR_SOURCE, ERR_CONFIG, ERR_CHECKPOINT, ERR_PARAMETER (every misfit by name), ERR_MEMORY, ERR_ABORTED
   */
  static async from_pretrained<M extends AlbertPreTrainedModel<object>>(
    this: ModelClass<M>,
    source: Source,
    options: LoadOptions = {},
  ): Promise<M> {
    const { signal, strict = false, wasmUrl } = options;
    throwIfAborted(signal);
    checkDtype(options);
    const opened = await openSource(source);
    const kernels = compileKernels(wasmUrl);
    // Awaited below; until then an error of the files must not leave this one unheard.
    kernels.catch(() => {});
    const json = await opened.readFile('config.json', signal);
    if (json === undefined) throw new AlbertError('ERR_SOURCE', `there is no config.json in ${opened.name}`);
    const config = parseConfig(parseJson(json));
    const checkpoint = await openCheckpoint(opened, { signal });
    throwIfAborted(signal);
    const model = new this(config, makeEngine(await kernels, config, options));
    const base: AlbertPreTrainedModel<object> = model;
    const { sources, missing, surplus } = matchCheckpoint(base.#layout.parameters, checkpoint, strict);
    base.#fill(sources, 0);
    base.#report = { initialized: missing.map(({ name }) => name), ignored: surplus };
    if (missing.length > 0) {
      const warn = options.onWarning ?? console.warn;
      warn(`${opened.name} lacks ${base.#report.initialized.join(', ')}: initialised at random, train before use`);
    }
    return model;
  }

  /** A model of random parameters, initialised as FlaxAlbert does. */
  static async from_config<M extends AlbertPreTrainedModel<object>>(
    this: ModelClass<M>,
    config: Readonly<Record<string, unknown>>,
    options: InitOptions & { readonly seed?: number } = {},
  ): Promise<M> {
    const { seed = 0, wasmUrl } = options;
    checkSeed('seed', seed);
    checkDtype(options);
    const parsed = parseConfig(config);
    const model = new this(parsed, makeEngine(await compileKernels(wasmUrl), parsed, options));
    (model as AlbertPreTrainedModel<object>).#fill(new Map(), seed);
    return model;
  }

  /**
   * FlaxAlbert's `__call__`. Calls queue; one that fails affects no other.
   *
   * @returns the head's fields, each the caller's own copy
   * @throws ERR_INPUT and ERR_TOO_LONG before any kernel runs, ERR_MEMORY, ERR_ABORTED, ERR_DISPOSED
   */
  forward(
    inputs: AlbertInputs,
    options: ForwardOptions & { readonly return_dict: false },
  ): Promise<(Tensor<Float32Array> | readonly Tensor<Float32Array>[])[]>;
  forward(inputs: AlbertInputs, options?: ForwardOptions): Promise<Fields & CommonOutput>;
  async forward(inputs: AlbertInputs, options: ForwardOptions = {}): Promise<unknown> {
    const { train = false, dropout_rng, return_dict = true, signal } = options;
    // Checked and copied now: what the caller does to his arrays later is his own affair.
    const checked = checkInputs(inputs, this.config, this.#head.rank);
    if (train && dropout_rng === undefined) {
      throw mismatch('ERR_INPUT', 'dropout_rng', 'a seed, since train is true', 'none');
    }
    if (dropout_rng !== undefined) checkSeed('dropout_rng', dropout_rng);
    const turn = this.#queue.then(() => this.#run(checked, options, signal));
    this.#queue = turn.catch(() => {});
    const fields = await turn;
    return return_dict ? fields : Object.values(fields);
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
      threads: 1,
      kernels: engine.build,
      weightBytes: this.#weights.end - this.#weights.start,
      memoryBytes: engine.memory.bytes,
    };
  }

  /**
   * Writes `config.json` and the weights into a directory (Node), under the names that Hugging Face libraries read: the
   * numbers that `params` gives, so of an int8 model the dequantised ones.
   */
  async save_pretrained(directory: string, options: SaveOptions = {}): Promise<void> {
    const engine = this.#alive();
    const tensors = this.#layout.parameters.map((parameter) => ({
      parameter,
      tensor: readParameter(engine, parameter),
    }));
    await saveModel(directory, { ...this.config, architectures: [this.constructor.name] }, tensors, options);
  }

  /** Gives the memory back once the queued forwards have run; later calls throw ERR_DISPOSED. */
  async dispose(): Promise<void> {
    this.#engine = undefined;
    await this.#queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #alive(): Engine {
    if (this.#engine === undefined) throw new AlbertError('ERR_DISPOSED', 'the model has been disposed');
    return this.#engine;
  }

  /** Gives every parameter an address in a region. */
  #lay(region: Region, engine: Engine): Layout {
    const table = new ParameterTable(region, engine);
    const body = declareBody(table, this.config, this.#head.prefix, this.#head.pooler);
    const head = this.#head.declare(table, this.config, body);
    return { parameters: table.parameters, body, head };
  }

  /** Packs the parameters, initialising those that have no source. */
  #fill(sources: ReadonlyMap<Parameter, ParameterSource>, seed: number): void {
    const all = new Map(
      this.#layout.parameters.map((parameter, index) => [
        parameter,
        sources.get(parameter) ?? initialValue(parameter, index, seed, this.config.initializer_range),
      ]),
    );
    const { memory } = this.#alive();
    const weights = memory.used;
    const region = memory.region();
    const staging = region.take(stagingFloats(this.#layout.parameters) * 4);
    memory.claim(region);
    packParameters(this.#alive(), all, this.#weights, staging);
    memory.release(weights);
  }

  /** One forward, from planned memory to copied fields. */
  async #run(inputs: CheckedInputs, options: ForwardOptions, signal: AbortSignal | undefined) {
    const engine = this.#alive();
    const { config } = this;
    const head = this.#head;
    throwIfAborted(signal);
    const { batch, seq, leading } = inputs;
    const { output_attentions = false, output_hidden_states = false, train = false, dropout_rng = 0, params } = options;
    const shape = { batch, seq, output_attentions, output_hidden_states, train };
    const dropout = train ? new DropoutStream(dropout_rng) : undefined;

    const { memory } = engine;
    const before = memory.used;
    try {
      const region = memory.region();
      const layout = params === undefined ? this.#layout : this.#lay(region, engine);
      const { body, parameters } = layout;
      const weights = { start: region.start, end: region.end };
      const sources = params && matchParams(parameters, params);
      const staging = sources && region.take(stagingFloats(parameters) * 4);
      const activations = planBody(region, engine, config, shape);
      const matrices = head.plan(region, config, batch, seq);
      memory.claim(region);

      if (sources !== undefined && staging !== undefined) packParameters(engine, sources, weights, staging);
      embed(engine, config, body, activations, inputs, dropout);
      const layers = encode(engine, config, body, activations, shape, dropout);
      const collected = signal === undefined ? finish(layers) : await finishUnless(signal, layers);
      const { hidden, pooled } = activations;
      if (body.pooler !== undefined) {
        // The first token of each sequence: every seq-th row.
        const first = { ...rowsOf(hidden, 0, batch), stride: hidden.stride * seq };
        engine.linear(first, body.pooler, pooled, 'tanh');
      }
      const fields = head.run({ engine, config, body, hidden, pooled, leading, seq, dropout }, layout.head, matrices);
      const { hidden_states, attentions } = collected;
      return {
        ...fields,
        ...(hidden_states && { hidden_states }),
        ...(attentions && { attentions }),
      };
    } finally {
      memory.release(before);
    }
  }
}

/** Runs the layers without a pause. */
function finish(layers: Generator<void, Collected>): Collected {
  for (;;) {
    const step = layers.next();
    if (step.done) return step.value;
  }
}

/** Runs the layers, hearing the signal between them: the event loop gets a turn after each. */
async function finishUnless(signal: AbortSignal, layers: Generator<void, Collected>): Promise<Collected> {
  for (;;) {
    const step = layers.next();
    if (step.done) return step.value;
    await new Promise((resolve) => setTimeout(resolve));
    throwIfAborted(signal);
  }
}

/** An engine for a model of this configuration. */
function makeEngine(module: WebAssembly.Module, config: AlbertConfig, options: InitOptions): Engine {
  const { maxMemoryBytes = DEFAULT_MAX_MEMORY_BYTES, dtype = 'float32' } = options;
  const inputs = Math.max(config.embedding_size, config.hidden_size, config.intermediate_size);
  return new Engine(module, { maxMemoryBytes, dtype, inputs });
}

function checkDtype({ dtype = 'float32' }: InitOptions): void {
  if (!DTYPES.includes(dtype)) throw mismatch('ERR_INPUT', 'dtype', DTYPES.join(' or '), dtype);
}

function checkSeed(title: string, seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) throw mismatch('ERR_INPUT', title, 'a non-negative integer', seed);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AlbertError('ERR_CONFIG', `config.json is not JSON: ${(cause as Error).message}`, { cause });
  }
}
