/** What a caller of the backward pass asks for, checked. */
import type { Engine } from '../../engine/engine.js';
import type { Architecture } from '../../model/architecture.js';
import type { AlbertConfig } from '../../model/config.js';
import type { CheckedInputs } from '../../model/inputs.js';
import type { Layout } from '../../model/network/layout.js';
import type { Features } from './features.js';

/** What a pass needs of a model: the model's `exclusive` provides it. */
export interface TrainedModel {
  readonly engine: Engine;
  readonly config: AlbertConfig;
  readonly architecture: Architecture;
  readonly layout: Layout;
}

/** What does not count, in every loss of classes. */
export const IGNORED = -100;

/** Checked labels. An example is one text, or one question with its choices; classes are below 0 where they are ignored. */
export type CheckedLabels =
  /** One class per example. */
  | { readonly loss: 'classes'; readonly classes: Int32Array }
  /** One class per token, in the order of the inputs. */
  | { readonly loss: 'tokens'; readonly classes: Int32Array }
  /** The positions of each example's first and last token. */
  | { readonly loss: 'spans'; readonly starts: Int32Array; readonly ends: Int32Array }
  /** One word per token, and one order of segments per example. */
  | { readonly loss: 'pretraining'; readonly classes: Int32Array; readonly orders: Int32Array }
  /** num_labels numbers per example. */
  | { readonly loss: 'regression' | 'multi_label'; readonly values: Float64Array }
  /** Pairs of examples, which follow one another: one cosine per pair, or the other pairs' second texts as negatives. */
  | { readonly loss: 'similarity'; readonly cosines: Float64Array | undefined };

export interface GradientRequest {
  /** Rectangles of examples; for `similarity`, the two texts of each pair one after the other, each an input of its own. */
  readonly inputs: readonly CheckedInputs[];
  readonly labels: CheckedLabels;
  /** The seed of dropout; default: no dropout. */
  readonly dropout_rng?: number | undefined;
  /** Default: 0. */
  readonly label_smoothing_factor?: number | undefined;
  /** Keep only each layer's input and compute the layer again; default: if that alone fits. */
  readonly recompute?: boolean | undefined;
  /** The most that the linear memory may have. */
  readonly maxMemoryBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** What earlier passes of the same weights have kept. */
  readonly features?: Features | undefined;
}

/** Labels as those of one loss. */
export function labelsOf<L extends CheckedLabels['loss']>(
  loss: L,
  labels: CheckedLabels,
): Extract<CheckedLabels, { loss: L }> {
  if (labels.loss !== loss) throw new TypeError(`labels for ${labels.loss} instead of ${loss}`);
  return labels as Extract<CheckedLabels, { loss: L }>;
}
