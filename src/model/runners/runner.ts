/** A runner holds a model and runs its forwards: on the calling thread, in a worker, or in several workers. */

import type { RuntimeOptions } from '../../engine/runtime.js';
import type { Dtype } from '../../ground/dtypes.js';
import type { OpenedSource } from '../../ground/source.js';
import type { Tensor } from '../../ground/tensor.js';
import type { RareReaders } from '../../weights/formats.js';
import type { Architecture } from '../architecture.js';
import type { AlbertConfig } from '../config.js';
import type { CheckedInputs } from '../inputs.js';
import type { Fields } from '../network/forward.js';
import type { ForwardOptions, LoadReport, ModelInfo, SaveOptions } from '../options.js';

/** How a model gets a head to be trained. */
export interface NewHead {
  /** Of its initial values. */
  readonly seed: number;
  /** Whether the labels are those of the checkpoint: a classifier of other labels begins anew, also one of the same shape. */
  readonly sameLabels: boolean;
}

/** A checkpoint that a model's parameters come from. */
export interface CheckpointOrigin {
  readonly source: OpenedSource;
  readonly readers: RareReaders;
  readonly strict: boolean;
  /** To be trained: head weights of another shape are initialised instead of refused, by this seed. */
  readonly newHead?: NewHead;
}

/** Where a model's parameters come from: a checkpoint, or random numbers. */
export type Origin = CheckpointOrigin | { readonly config: AlbertConfig; readonly seed: number };

/** What a runner makes its model of. All but the source can be sent to a worker. */
export interface Recipe {
  readonly architecture: Architecture;
  readonly origin: Origin;
  readonly options: RuntimeOptions & { readonly dtype?: Dtype };
}

/** One call of a model: its inputs, checked, are computed as one batch. */
export interface ForwardCall {
  readonly inputs: readonly CheckedInputs[];
  /** Of each input, the positions that the head computes; default: all. */
  readonly headPositions?: readonly (readonly number[])[];
  readonly options: ForwardOptions;
}

export interface Runner {
  readonly config: AlbertConfig;
  readonly report: LoadReport;
  info(): ModelInfo;
  /** The fields of each input. Calls are computed one after another, in their order. */
  run(call: ForwardCall): Promise<Fields[]>;
  params(): ReadonlyMap<string, Tensor<Float32Array>>;
  save(directory: string | URL, options: SaveOptions): Promise<void>;
  /** A call that has begun runs to its end; all others reject with ERR_DISPOSED. */
  dispose(): Promise<void>;
}
