/** What a head is: the parameters it adds to the body, the memory it takes, and what it makes of the hidden states. */
import type { Engine } from '../engine/engine.js';
import type { Matrix, Region } from '../engine/memory.js';
import type { Tensor } from '../tensor.js';
import type { Batch, Rectangle } from './batch.js';
import type { AlbertConfig } from './config.js';
import type { DropoutStream } from './dropout.js';
import type { BodyParameters, ParameterTable } from './parameters/table.js';

/** What the body hands to a head. */
export interface HeadContext {
  readonly engine: Engine;
  readonly config: AlbertConfig;
  readonly body: BodyParameters;
  /** (head tokens, hidden_size): the hidden states of the tokens that the head computes. */
  readonly hidden: Matrix;
  /** (sequences, hidden_size); meaningless unless the head asks for the pooler. */
  readonly pooled: Matrix;
  /** The inputs of the batch: where the rows of each lie. */
  readonly rectangles: readonly Rectangle[];
  /** Present when training. */
  readonly dropout: DropoutStream | undefined;
}

/** @typeParam P the addresses of the head's parameters, @typeParam M the matrices it works in */
export interface Head<P = unknown, M = unknown> {
  /** Whether the head reads the pooler's output. */
  readonly pooler: boolean;
  /** Axes of `input_ids`: 3 where each example has several sequences. */
  readonly rank: 2 | 3;
  /** Before the names of the body's parameters. */
  readonly prefix: 'albert.' | '';
  /** Declares the head's parameters. @throws ERR_CONFIG when the configuration does not fit the head */
  declare(table: ParameterTable, config: AlbertConfig, body: BodyParameters): P;
  /** Takes the matrices for a batch. */
  plan(region: Region, config: AlbertConfig, batch: Batch): M;
  /** Floats of the output fields of a batch. */
  outputFloats(config: AlbertConfig, batch: Batch): number;
  /** The head's output fields of each rectangle, in FlaxAlbert's order. */
  run(context: HeadContext, parameters: P, matrices: M): Record<string, Tensor<Float32Array>>[];
}
