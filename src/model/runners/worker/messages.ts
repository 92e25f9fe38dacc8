/** What a model's worker is called with, and what it answers. */

import { Tensor } from '../../../ground/tensor.js';
import type { AlbertConfig } from '../../config.js';
import type { Fields } from '../../network/forward.js';
import type { ForwardOptions, LoadReport, ModelInfo } from '../../options.js';
import type { ForwardCall, Recipe } from '../runner.js';

/** What a worker for a model is started with. */
export interface ModelStart {
  readonly kind: 'model';
}

/** A recipe in a message: only the name of a source is sent, its files are read by calls. */
export type SentRecipe = Omit<Recipe, 'origin'> & {
  readonly origin:
    | { readonly sourceName: string; readonly strict: boolean }
    | { readonly config: AlbertConfig; readonly seed: number };
};

export interface Made {
  readonly config: AlbertConfig;
  readonly report: LoadReport;
  readonly info: ModelInfo;
}

/** A call in a message: its signal stays behind; when that fires, the worker's call is cancelled. */
export interface SentCall extends ForwardCall {
  readonly options: Omit<ForwardOptions, 'signal'>;
  /** Whether there is a signal: without one the layers follow each other without a pause. */
  readonly cancellable: boolean;
}

export interface Ran {
  readonly fields: Fields[];
  readonly info: ModelInfo;
}

/** The buffers of fields: they are transferred, since nothing else refers to them. */
export function buffersOf(fields: readonly Fields[]): ArrayBuffer[] {
  return tensorsOf(fields).map(({ data }) => data.buffer as ArrayBuffer);
}

/** Fields that came in a message, their tensors mere objects, as fields again. */
export function revivedFields(fields: readonly Fields[]): Fields[] {
  const revive = ({ data, shape }: Tensor<Float32Array>) => new Tensor(data, shape);
  return fields.map((of) =>
    Object.fromEntries(
      Object.entries(of).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map(revive) : revive(value as Tensor<Float32Array>),
      ]),
    ),
  );
}

function tensorsOf(fields: readonly Fields[]): Tensor<Float32Array>[] {
  return fields.flatMap((of) => Object.values(of).flat() as Tensor<Float32Array>[]);
}
