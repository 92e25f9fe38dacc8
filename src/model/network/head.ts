/** What a head is: the parameters it adds to the body, the memory it takes, and what it makes of the hidden states. */
import type { Matrix, Region } from '../../engine/memory.js';
import type { Tensor } from '../../ground/tensor.js';
import type { AlbertConfig } from '../config.js';
import type { ParameterTable } from '../parameters/table.js';
import type { Batch } from './batch.js';
import type { BodyParameters } from './body.js';
import type { ForwardContext } from './context.js';

/** What the body hands to a head. */
export interface HeadInput {
  /** (head tokens, hidden_size): the hidden states of the tokens that the head computes; meaningless unless the head reads them. */
  readonly hidden: Matrix;
  /** (sequences, hidden_size); meaningless unless the head asks for the pooler. */
  readonly pooled: Matrix;
}

/** @typeParam P the addresses of the head's parameters, @typeParam A of its activations */
export interface Head<P = unknown, A = unknown> {
  /** Whether the head reads the pooler's output. */
  readonly pooler: boolean;
  /** Whether the head reads the hidden states of its tokens. */
  readonly hidden: boolean;
  /** Axes of `input_ids`: 3 where each example has several sequences. */
  readonly rank: 2 | 3;
  /** Before the names of the body's parameters. */
  readonly prefix: 'albert.' | '';
  /** Declares the head's parameters. @throws ERR_CONFIG when the configuration does not fit the head */
  declare(table: ParameterTable, config: AlbertConfig, body: BodyParameters): P;
  /** Takes the memory for a batch. */
  plan(region: Region, context: ForwardContext): A;
  /** Floats of the output fields of a batch. */
  outputFloats(config: AlbertConfig, batch: Batch): number;
  /** The head's output fields of each rectangle, in FlaxAlbert's order. */
  run(context: ForwardContext, parameters: P, activations: A, input: HeadInput): Record<string, Tensor<Float32Array>>[];
}
