/** What a model's class asks of the place where the model lives: the calling thread, a worker, or several. */
import type { RuntimeOptions } from '../engine/runtime.js';
import type { Dtype } from '../engine/schemes.js';
import type { OpenedSource } from '../source.js';
import type { Tensor } from '../tensor.js';
import type { RareReaders } from '../weights/formats.js';
import type { AlbertConfig } from './config.js';
import type { Fields } from './forward.js';
import type { Architecture } from './heads/index.js';
import type { CheckedInputs } from './inputs.js';
import type { ForwardOptions, LoadReport, ModelInfo, SaveOptions } from './options.js';

/** A checkpoint that a model's parameters come from. */
export interface CheckpointOrigin {
  readonly source: OpenedSource;
  readonly readers: RareReaders;
  readonly strict: boolean;
}

/** Where a model's parameters come from: a checkpoint, or random numbers. */
export type Origin = CheckpointOrigin | { readonly config: AlbertConfig; readonly seed: number };

/** What a model is made of, wherever it is to live. All but the source can be sent to a worker. */
export interface Recipe {
  readonly architecture: Architecture;
  readonly origin: Origin;
  readonly options: RuntimeOptions & { readonly dtype?: Dtype };
}

/** One run: checked inputs, and of each, where not all, the positions that the head computes. */
export interface RunCall {
  readonly inputs: readonly CheckedInputs[];
  readonly keep?: readonly (readonly number[])[];
  readonly options: ForwardOptions;
}

export interface Backend {
  readonly config: AlbertConfig;
  readonly report: LoadReport;
  info(): ModelInfo;
  /** The fields of each input. Runs are computed one after another, in the order of the calls. */
  run(call: RunCall): Promise<Fields[]>;
  params(): ReadonlyMap<string, Tensor<Float32Array>>;
  save(directory: string | URL, options: SaveOptions): Promise<void>;
  /** A run that has begun ends, all others reject with ERR_DISPOSED. */
  dispose(): Promise<void>;
}
