/** What a head is in training: its loss, and the gradient of the hidden states that it reads. */
import type { Matrix, Region } from '../../engine/memory.js';
import type { Batch } from '../../model/network/batch.js';
import type { Layout } from '../../model/network/layout.js';
import type { Pass, Step } from './context.js';
import type { CheckedLabels } from './request.js';

/** @typeParam T its parameters with room for their transposes, the same in all micro-batches; @typeParam A its activations */
export interface TrainingHead<T = unknown, A = unknown> {
  trained(region: Region, step: Step, layout: Layout): T;
  /** The rows of the hidden states that the head reads, ascending; default: all. */
  readonly rows?: (batch: Batch, labels: CheckedLabels) => readonly number[];
  plan(region: Region, pass: Pass, trained: T): A;
  /**
   * The micro-batch's part of the loss; adds to the gradients of the head's weights.
   *
   * @param hidden (rows read, hidden_size): the encoder's output; may be overwritten
   * @param dHidden zeros, to which the gradient of `hidden` is added; absent where nothing before the head is trained
   */
  run(pass: Pass, trained: T, activations: A, hidden: Matrix, dHidden: Matrix | undefined): number;
}
