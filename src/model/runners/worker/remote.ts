/** A model in a worker; when the worker is lost, a new one makes the model of the same recipe. */

import { throwIfAborted } from '../../../ground/abort.js';
import { AlbertError, mismatch } from '../../../ground/errors.js';
import type { Tensor } from '../../../ground/tensor.js';
import { type AlbertConfig, parseConfig } from '../../config.js';
import type { Fields } from '../../network/forward.js';
import type { LoadReport, ModelInfo, SaveOptions } from '../../options.js';
import type { ForwardCall, Recipe, Runner } from '../runner.js';
import { Link } from './link.js';
import { type Made, type Ran, revivedFields, type SentCall, type SentRecipe } from './messages.js';
import { ServedSource } from './source.js';

/** Multiplications that the slowest machine does in a millisecond: a worker may be silent over a call for as long as they take. */
const SLOWEST = 1e5;

export interface RemoteOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds that a worker may be silent; default: a minute. */
  readonly patience?: number;
}

export class RemoteModel implements Runner {
  readonly config: AlbertConfig;
  readonly report: LoadReport;
  readonly #recipe: Recipe;
  readonly #patience: number | undefined;
  #link: Link;
  #info: ModelInfo;
  /** While another worker is being made. */
  #renewal: Promise<void> | undefined;
  #disposal: Promise<void> | undefined;
  readonly #calls = new Set<Promise<unknown>>();

  private constructor(recipe: Recipe, link: Link, { config, report, info }: Made, patience: number | undefined) {
    this.#recipe = recipe;
    this.#link = link;
    this.#patience = patience;
    this.config = parseConfig(config);
    this.report = report;
    this.#info = info;
  }

  /** @throws ERR_WORKER when no worker is available, ERR_ABORTED, what making the model throws */
  static async make(recipe: Recipe, { signal, patience }: RemoteOptions = {}): Promise<RemoteModel> {
    const { link, made } = await makeInWorker(recipe, { signal, patience });
    return new RemoteModel(recipe, link, made, patience);
  }

  info(): ModelInfo {
    this.#checkAlive();
    return { ...this.#info, workers: 1 };
  }

  async run(call: ForwardCall): Promise<Fields[]> {
    const { signal, ...options } = call.options;
    this.#checkAlive();
    throwIfAborted(signal);
    const run = this.#run({ ...call, options, cancellable: signal !== undefined }, signal);
    const settled = run.catch(() => {});
    this.#calls.add(settled);
    try {
      return await run;
    } catch (error) {
      // The reason stays on this side.
      throwIfAborted(signal);
      throw error;
    } finally {
      this.#calls.delete(settled);
    }
  }

  params(): ReadonlyMap<string, Tensor<Float32Array>> {
    this.#checkAlive();
    throw new AlbertError(
      'ERR_ENVIRONMENT',
      'params of a model in a worker cannot be read: load it with worker: false',
    );
  }

  async save(directory: string | URL, options: SaveOptions): Promise<void> {
    const link = await this.#alive();
    await link.call('save', { directory: String(directory), options });
  }

  async dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    await this.#disposal;
  }

  async #end(): Promise<void> {
    // Its calls report what is wrong with a worker.
    await this.#renewal?.catch(() => {});
    await this.#link.call('dispose').catch(() => {});
    await Promise.all(this.#calls);
    await this.#link.end();
  }

  async #run(call: SentCall, signal: AbortSignal | undefined): Promise<Fields[]> {
    const link = await this.#alive();
    const longer = Math.ceil(multiplications(this.config, call) / SLOWEST);
    try {
      const { fields, info } = await link.call<Ran>('run', call, signal, longer);
      this.#info = info;
      return revivedFields(fields);
    } catch (error) {
      if ((error as Error).name !== 'DataCloneError') throw error;
      throw mismatch('ERR_INPUT', 'options', 'what can be sent to a worker', (error as Error).message);
    }
  }

  #checkAlive(): void {
    if (this.#disposal !== undefined) throw new AlbertError('ERR_DISPOSED', 'the model has been disposed');
  }

  /** The worker, or a new one if it was lost. */
  async #alive(): Promise<Link> {
    this.#checkAlive();
    if (this.#link.lost === undefined) return this.#link;
    this.#renewal ??= this.#renew();
    await this.#renewal;
    this.#checkAlive();
    return this.#link;
  }

  async #renew(): Promise<void> {
    try {
      // It never fires. Without one the source would heed that of the load, which may have fired since.
      const { signal } = new AbortController();
      const { link, made } = await makeInWorker(this.#recipe, { signal, patience: this.#patience });
      [this.#link, this.#info] = [link, made.info];
    } finally {
      this.#renewal = undefined;
    }
  }
}

async function makeInWorker(
  { architecture, origin, options }: Recipe,
  { signal, patience }: RemoteOptions,
): Promise<{ link: Link; made: Made }> {
  const served = 'source' in origin ? new ServedSource(origin.source, origin.readers, signal) : undefined;
  const link = new Link(options.workerUrl, served?.handlers ?? {}, patience);
  const recipe: SentRecipe = {
    architecture,
    options,
    origin: 'source' in origin ? { sourceName: origin.source.name, strict: origin.strict } : origin,
  };
  // A load that is given up waits for nothing.
  const abort = () => link.end();
  signal?.addEventListener('abort', abort);
  try {
    await link.ready();
    return { link, made: await link.call<Made>('make', recipe) };
  } catch (error) {
    await link.end();
    throwIfAborted(signal);
    throw served?.fault ?? error;
  } finally {
    signal?.removeEventListener('abort', abort);
    await served?.close();
  }
}

/** Multiplications of a call by the layers' weights: they take almost all of its time. */
function multiplications(config: AlbertConfig, { inputs }: ForwardCall): number {
  const { hidden_size, intermediate_size, num_hidden_layers, inner_group_num } = config;
  const ofToken = (4 * hidden_size + 2 * intermediate_size) * hidden_size * num_hidden_layers * inner_group_num;
  return inputs.reduce((tokens, { ids }) => tokens + ids.length, 0) * ofToken;
}
