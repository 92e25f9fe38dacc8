/** A model in several workers, each with its own weights, which share the inputs of a call. */
import type { Tensor } from '../../../ground/tensor.js';
import type { AlbertConfig } from '../../config.js';
import type { Fields } from '../../network/forward.js';
import type { LoadReport, ModelInfo, SaveOptions } from '../../options.js';
import type { ForwardCall, Recipe, Runner } from '../runner.js';
import { RemoteModel, type RemoteOptions } from './remote.js';
import { shareOut } from './shares.js';

export class ModelPool implements Runner {
  readonly config: AlbertConfig;
  readonly report: LoadReport;
  readonly #models: readonly RemoteModel[];
  readonly #whyNotThreaded: string;

  private constructor(models: readonly RemoteModel[], whyNotThreaded: string) {
    const [{ config, report }] = models as [RemoteModel];
    this.config = config;
    this.report = report;
    this.#models = models;
    this.#whyNotThreaded = whyNotThreaded;
  }

  /**
   * @param recipe of a model of one thread
   * @param whyNotThreaded why threads cannot share one model
   */
  static async make(
    recipe: Recipe,
    count: number,
    whyNotThreaded: string,
    options: RemoteOptions = {},
  ): Promise<ModelPool> {
    const made = await Promise.allSettled(Array.from({ length: count }, () => RemoteModel.make(recipe, options)));
    const models = made.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const failed = made.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return new ModelPool(models, whyNotThreaded);
    await Promise.all(models.map((model) => model.dispose()));
    throw failed.reason;
  }

  info(): ModelInfo {
    const infos = this.#models.map((model) => model.info());
    const sum = (key: 'weightBytes' | 'memoryBytes') => infos.reduce((total, info) => total + info[key], 0);
    return {
      ...(infos[0] as ModelInfo),
      whyNotThreaded: this.#whyNotThreaded,
      workers: infos.length,
      weightBytes: sum('weightBytes'),
      memoryBytes: sum('memoryBytes'),
    };
  }

  async run(call: ForwardCall): Promise<Fields[]> {
    const { calls, join } = shareOut(call, this.#models.length);
    const outcomes = await Promise.allSettled(calls.map((part, i) => (this.#models[i] as RemoteModel).run(part)));
    return join(
      outcomes.map((outcome) => {
        if (outcome.status === 'rejected') throw outcome.reason;
        return outcome.value;
      }),
    );
  }

  params(): ReadonlyMap<string, Tensor<Float32Array>> {
    return (this.#models[0] as RemoteModel).params();
  }

  async save(directory: string | URL, options: SaveOptions): Promise<void> {
    await (this.#models[0] as RemoteModel).save(directory, options);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#models.map((model) => model.dispose()));
  }
}
