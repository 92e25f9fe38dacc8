/** What the modules of the network train with: the parts of one batch that are the same in every micro-batch, and one micro-batch. */

import type { Engine } from '../../engine/engine.js';
import type { Activation } from '../../engine/kernels.js';
import type { Region } from '../../engine/memory.js';
import type { Dense, Norm } from '../../engine/operands.js';
import type { NormGradient, TrainingEngine } from '../../engine/training-engine.js';
import type { DenseGradient } from '../../engine/weight-gradient.js';
import type { AlbertConfig } from '../../model/config.js';
import type { Batch } from '../../model/network/batch.js';
import type { Dropout, Sites } from './dropout.js';
import type { GradientMap } from './gradients.js';
import type { CheckedLabels } from './request.js';

export interface Step {
  readonly engine: Engine;
  readonly training: TrainingEngine;
  readonly config: AlbertConfig;
  /** The kernel of `hidden_act`. */
  readonly activation: Activation;
  readonly gradients: GradientMap;
  readonly sites: Sites;
  readonly smoothing: number;
  readonly counts: Counts;
}

/** How many labels count in the whole batch: what each loss is divided by. */
export interface Counts {
  /** Classes of examples or tokens; first tokens, for question answering; numbers, for regression; pairs. */
  readonly labels: number;
  /** Last tokens, or orders of segments. */
  readonly others: number;
}

/** One micro-batch. */
export interface Pass extends Step {
  readonly batch: Batch;
  readonly labels: CheckedLabels;
  readonly dropout: Dropout | undefined;
  /** The rows of the encoder's output that the head reads, where the last layer computes no others. */
  readonly lastRows: readonly number[] | undefined;
  /** (sequences, hidden_size): the gradient of the texts' vectors, where the loss is known before this pass. */
  readonly dVectors?: Float64Array;
}

/** Where the gradients of a dense layer lie. */
export function gradientOfDense({ gradients }: Step, { panels, bias }: Dense): DenseGradient {
  return { panels: gradients.of(panels.address), bias: gradients.of(bias) };
}

/** Where those of a layer norm lie. */
export function gradientOfNorm({ gradients }: Step, { scale, bias }: Norm): NormGradient {
  return { scale: gradients.of(scale), bias: gradients.of(bias) };
}

/** Whether any of these dense layers and norms has a gradient. */
export function trains(step: Step, ...modules: readonly (Dense | Norm)[]): boolean {
  return modules.some((module) =>
    Object.values('panels' in module ? gradientOfDense(step, module) : gradientOfNorm(step, module)).some(Boolean),
  );
}

/** Room for the transposed weights of one dense layer, or of several of one shape in turn. */
export class Transposed {
  readonly #training: TrainingEngine;
  readonly #room: Dense;
  /** The address of the weights whose transpose lies there. */
  #holds = 0;

  constructor(region: Region, { training }: Step, dense: Dense) {
    this.#training = training;
    this.#room = training.planTransposed(region, dense);
  }

  /** The transposed weights of `dense`: transposed now unless they were the last. */
  of(dense: Dense): Dense {
    if (this.#holds !== dense.panels.address) this.#training.transpose(dense, this.#room);
    this.#holds = dense.panels.address;
    return this.#room;
  }
}
