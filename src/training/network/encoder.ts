/** FlaxAlbertEncoder, forward and backward: the mapping to hidden_size, then each layer with the weights of its group. */

import type { Matrix, Region } from '../../engine/memory.js';
import type { AttentionSequence, Dense } from '../../engine/operands.js';
import { weightGradient } from '../../engine/weight-gradient.js';
import { groupOfLayer } from '../../model/config.js';
import { planSequences, writeMaskBias } from '../../model/network/attention.js';
import type { EncoderParameters } from '../../model/network/encoder.js';
import type { LayerParameters } from '../../model/network/layer.js';
import { planSelected } from './attention.js';
import { gradientOfDense, type Pass, type Step, Transposed, trains } from './context.js';
import {
  type Application,
  backwardLayer,
  type LayerActivations,
  planLayer,
  runLayer,
  trainsLayer,
  transposedLayer,
} from './layer.js';
import type { Work } from './work.js';

/** What of a forward stays until the backward pass: all that it needs, each layer's input, or nothing. */
export type Kept = 'all' | 'inputs' | 'nothing';

/** The encoder as training sees it, the same in all micro-batches. */
export interface TrainedEncoder {
  readonly mapping: Dense;
  readonly transposedMapping: Transposed;
  /** Every application of a layer, in the order of the forward. */
  readonly layers: readonly Application[];
  /** The first of them with a backward pass; their number where none has one. */
  readonly lowest: number;
  /** Whether the mapping or anything before it is trained. */
  readonly below: boolean;
}

export interface EncoderActivations {
  readonly sequences: readonly AttentionSequence[];
  /** (tokens, hidden_size) each: the input of every layer, then (rows read, hidden_size) the output. Layers without a backward pass share one. */
  readonly hidden: readonly Matrix[];
  /** Of each layer; those that are computed again, and those without a backward pass, share one. */
  readonly layers: readonly LayerActivations[];
}

/** @param trainsEmbeddings whether the encoder's input has a gradient */
export function trainedEncoder(
  region: Region,
  step: Step,
  { mapping, groups }: EncoderParameters,
  trainsEmbeddings: boolean,
): TrainedEncoder {
  const { config, sites } = step;
  const order = Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    return groups[groupOfLayer(config, layer)] as readonly LayerParameters[];
  }).flat();
  const below = trainsEmbeddings || trains(step, mapping);
  const first = order.findIndex((parameters) => trainsLayer(step, parameters));
  const lowest = below ? 0 : first < 0 ? order.length : first;
  // One room per inner layer: groups follow one another, so each is transposed once per pass.
  const rooms = (lowest < order.length ? (groups[0] as readonly LayerParameters[]) : []).map((parameters) =>
    transposedLayer(region, step, parameters),
  );
  const layers = order.map((parameters, i) => ({
    parameters,
    transposed: rooms[i % config.inner_group_num] as (typeof rooms)[number],
    sites: sites.layers[i] as (typeof sites.layers)[number],
  }));
  return { mapping, transposedMapping: new Transposed(region, step, mapping), layers, lowest, below };
}

export function planEncoder(region: Region, pass: Pass, encoder: TrainedEncoder, kept: Kept): EncoderActivations {
  const { tokens } = pass.batch;
  const lowest = kept === 'nothing' ? encoder.layers.length : encoder.lowest;
  const matrix = () => region.matrix(tokens, pass.config.hidden_size);
  const shared = matrix();
  const hidden = encoder.layers.map((_, i) => (i <= lowest ? shared : matrix()));
  const layer = planLayer(region, pass);
  const own = kept === 'all' ? lowest + 1 : encoder.layers.length;
  const { lastRows } = pass;
  const few = lastRows && planSelected(region, pass, lastRows);
  hidden.push(few?.output ?? (lowest === encoder.layers.length ? shared : matrix()));
  const layers = encoder.layers.map((_, i) => {
    if (few !== undefined && i === encoder.layers.length - 1) return planLayer(region, pass, few);
    return i < own ? layer : planLayer(region, pass);
  });
  return { sequences: planSequences(region, pass.batch, 0), hidden, layers };
}

/** From `embedded` to the last hidden states. Yields after each layer, where a caller may stop. */
export function* runEncoder(
  pass: Pass,
  encoder: TrainedEncoder,
  { sequences, hidden, layers }: EncoderActivations,
  work: Work,
  embedded: Matrix,
): Generator<void, Matrix> {
  writeMaskBias(pass, sequences);
  pass.engine.linear(embedded, encoder.mapping, hidden[0] as Matrix);
  for (const [i, application] of encoder.layers.entries()) {
    const kept = layers[i] as LayerActivations;
    runLayer(pass, application, kept, work, hidden[i] as Matrix, hidden[i + 1] as Matrix);
    yield;
  }
  return hidden.at(-1) as Matrix;
}

/**
 * embedded = its own gradient, if it is wanted. Yields after each layer.
 *
 * @param gradients that of the encoder's output; overwritten
 * @param trainsEmbeddings whether the gradient of `embedded` is wanted
 */
export function* backwardEncoder(
  pass: Pass,
  encoder: TrainedEncoder,
  { hidden, layers }: EncoderActivations,
  work: Work,
  { output: dOutput, hidden: dHidden }: { readonly output: Matrix; readonly hidden: Matrix },
  embedded: Matrix,
  trainsEmbeddings: boolean,
): Generator<void, void> {
  const { lowest, below, mapping } = encoder;
  const last = encoder.layers.length - 1;
  for (let i = last; i >= lowest; i--) {
    const application = encoder.layers[i] as Application;
    const [kept, input] = [layers[i] as LayerActivations, hidden[i] as Matrix];
    // Another layer has been in its memory since.
    if (kept === layers[i + 1]) runLayer(pass, application, kept, work, input, undefined);
    const dOut = i === last ? dOutput : dHidden;
    backwardLayer(pass, application, kept, work, input, dOut, dHidden, below || i > lowest);
    yield;
  }
  if (!below) return;
  weightGradient(pass.training, embedded, dHidden, gradientOfDense(pass, mapping), work.products);
  if (trainsEmbeddings) pass.training.inputGradient(dHidden, encoder.transposedMapping.of(mapping), embedded);
}
