/** A model on the calling thread: its weights in linear memory, and the queue of its calls. */
import { yieldToEventLoop } from '#platform';
import { Engine } from '../../engine/engine.js';
import { Region } from '../../engine/memory.js';
import { type Runtime, type RuntimeOptions, startRuntime } from '../../engine/runtime.js';
import { throwIfAborted } from '../../ground/abort.js';
import type { Dtype } from '../../ground/dtypes.js';
import { AlbertError, mismatch } from '../../ground/errors.js';
import { checkFileSize } from '../../ground/file-limits.js';
import { nestsDeeper } from '../../ground/nesting.js';
import type { OpenedSource } from '../../ground/source.js';
import type { Tensor } from '../../ground/tensor.js';
import { dtypesOf } from '../../weights/checkpoint.js';
import { openCheckpoint } from '../../weights/open.js';
import { quantizationOf } from '../../weights/quantizations.js';
import { type Architecture, architectureOf } from '../architecture.js';
import { type AlbertConfig, type ReadConfig, readConfig } from '../config.js';
import { packBatch } from '../network/batch.js';
import { type Fields, runForward } from '../network/forward.js';
import type { Head } from '../network/head.js';
import { HEADS } from '../network/heads/index.js';
import { type Layout, layOut } from '../network/layout.js';
import type { LoadReport, ModelInfo, SaveOptions } from '../options.js';
import { initialValue } from '../parameters/initialize.js';
import { matchCheckpoint } from '../parameters/match.js';
import { type ParameterSource, packWeights, readParameter, stagingFloats } from '../parameters/pack.js';
import { saveModel } from '../parameters/save.js';
import type { Parameter } from '../parameters/table.js';
import type { CheckpointOrigin, ForwardCall, Recipe, Runner } from './runner.js';

/** More than any configuration has. */
const CONFIG_DEPTH = 64;

/** What work on a model's memory needs. */
export interface ModelAccess {
  readonly engine: Engine;
  readonly config: AlbertConfig;
  readonly architecture: Architecture;
  readonly head: Head;
  /** The addresses of its parameters. */
  readonly layout: Layout;
}

export class LocalModel implements Runner {
  readonly config: AlbertConfig;
  readonly architecture: Architecture;
  readonly #weights: Region;
  readonly #layout: Layout;
  #engine: Engine | undefined;
  /** Settles when the newest call has: they are computed one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  #report: LoadReport = { initialized: [], ignored: [] };

  /** Lays the parameters out; `#fill` claims their memory and fills it. */
  private constructor(architecture: Architecture, config: AlbertConfig, engine: Engine) {
    this.config = config;
    this.architecture = architecture;
    this.#engine = engine;
    this.#weights = engine.memory.region();
    this.#layout = layOut(this.#weights, engine, config, HEADS[architecture]);
  }

  /** @throws what `from_pretrained` and `from_config` throw */
  static async make({ architecture, origin, options }: Recipe, signal?: AbortSignal): Promise<LocalModel> {
    if (!('config' in origin)) return LocalModel.load(origin, options, architecture, signal);
    return withRuntime(options, async (runtime) => {
      const { config, seed } = origin;
      const model = new LocalModel(architecture, config, makeEngine(await runtime, config, options.dtype));
      await model.#fill(new Map(), seed, signal);
      return model;
    });
  }

  /**
   * Loads a checkpoint.
   *
   * @param asked the class to load; default: the one that the checkpoint was made for
   * @param onFile called after each file of weights that was opened, with its size in bytes
   */
  static async load(
    { source, readers, strict, newHead }: CheckpointOrigin,
    options: Recipe['options'],
    asked?: Architecture,
    signal?: AbortSignal,
    onFile?: (file: string, bytes: number) => void,
  ): Promise<LocalModel> {
    return withRuntime(options, async (runtime) => {
      const { config, doubts } = await openConfig(source, signal);
      const checkpoint = await openCheckpoint(source, { ...readers, signal, onFile });
      try {
        const { dtype = quantizationOf(checkpoint)?.dtype } = options;
        const made = architectureOf(checkpoint, config.architectures);
        const architecture = asked ?? made;
        const model = new LocalModel(architecture, config, makeEngine(await runtime, config, dtype));
        const matching = { strict, architecture, made, doubts, newHead };
        const { sources, missing, surplus } = matchCheckpoint(model.#layout.parameters, checkpoint, matching);
        await model.#fill(sources, newHead?.seed ?? 0, signal);
        const { format } = checkpoint;
        const stored = { format, dtypes: dtypesOf(checkpoint), architecture: made };
        model.#report = { initialized: missing.map(({ name }) => name), ignored: surplus, checkpoint: stored };
        return model;
      } finally {
        await checkpoint.close();
      }
    });
  }

  get report(): LoadReport {
    return this.#report;
  }

  info(): ModelInfo {
    const engine = this.#alive();
    const { whyNotSimd, activationBits, vectorBits, whyNotWide } = engine;
    return {
      dtype: engine.dtype,
      ...engine.threads,
      workers: 0,
      kernels: engine.build,
      ...(whyNotSimd !== undefined && { whyNotSimd }),
      ...(activationBits !== undefined && { activationBits }),
      ...(vectorBits !== undefined && { vectorBits }),
      ...(whyNotWide !== undefined && { whyNotWide }),
      weightBytes: this.#weights.end - this.#weights.start,
      memoryBytes: engine.memory.bytes,
    };
  }

  async run({ inputs, headPositions, options }: ForwardCall): Promise<Fields[]> {
    const batch = packBatch(inputs, headPositions);
    return this.exclusive(({ engine, layout, head }) => {
      if (batch.tokens === 0) return [];
      return runForward(engine, this.config, head, layout, batch, options);
    }, options.signal);
  }

  /** Runs work on the model's memory in its turn among the calls, while no other call runs. */
  exclusive<T>(work: (access: ModelAccess) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = this.#queue.then(async () => {
      // The event loop gets a turn between any two forwards: a queue of them must not block a server or a page.
      await yieldToEventLoop();
      const engine = this.#alive();
      await engine.ready();
      throwIfAborted(signal);
      const { config, architecture } = this;
      return work({ engine, config, architecture, head: HEADS[architecture], layout: this.#layout });
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  params(): ReadonlyMap<string, Tensor<Float32Array>> {
    const engine = this.#alive();
    return new Map(this.#layout.parameters.map((parameter) => [parameter.name, readParameter(engine, parameter)]));
  }

  async save(directory: string | URL, options: SaveOptions): Promise<void> {
    const config = { ...this.config, architectures: [this.architecture] };
    await saveModel(this.#alive(), this.#layout.parameters, config, directory, options);
  }

  async dispose(): Promise<void> {
    const engine = this.#engine;
    this.#engine = undefined;
    if (engine !== undefined) this.#queue = this.#queue.then(() => engine.dispose());
    await this.#queue;
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
    await packWeights(engine, all, this.#weights, staging, signal);
    engine.memory.release(this.#weights.end);
    await engine.ready();
  }
}

/** Loads a model while its kernels are compiled and the threads' helpers start; when one of these fails, the others end. */
async function withRuntime<M>(options: RuntimeOptions, load: (runtime: Promise<Runtime>) => Promise<M>): Promise<M> {
  const runtime = startRuntime(options);
  // Awaited by `load`; until then an error of the files must not leave this one unhandled.
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
function makeEngine(runtime: Runtime, config: AlbertConfig, dtype: Dtype = 'float32'): Engine {
  const inputs = Math.max(config.embedding_size, config.hidden_size, config.intermediate_size);
  return new Engine(runtime, { dtype, inputs });
}

async function openConfig(source: OpenedSource, signal: AbortSignal | undefined): Promise<ReadConfig> {
  const bytes = await source.readFile('config.json', signal);
  if (bytes === undefined) throw new AlbertError('ERR_SOURCE', `there is no config.json in ${source.name}`);
  // What is in memory has passed no other limit, and JSON takes many times its text.
  checkFileSize('config.json', bytes.length, source.name);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AlbertError('ERR_CONFIG', `config.json is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (nestsDeeper(json, CONFIG_DEPTH)) {
    throw mismatch('ERR_CONFIG', 'config.json', `values nested at most ${CONFIG_DEPTH} deep`, json);
  }
  return readConfig(json);
}
