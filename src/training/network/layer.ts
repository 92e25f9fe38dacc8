/** FlaxAlbertLayer, forward and backward: self-attention, then the feed-forward block. */

import { type Matrix, type Region, rowsOf } from '../../engine/memory.js';
import { weightGradient } from '../../engine/weight-gradient.js';
import type { LayerParameters } from '../../model/network/layer.js';
import {
  type AttentionActivations,
  type AttentionTransposed,
  backwardAttention,
  planAttention,
  runAttention,
  type Selected,
  transposedAttention,
} from './attention.js';
import { gradientOfDense, gradientOfNorm, type Pass, type Step, Transposed, trains } from './context.js';
import { dropped, type LayerSites } from './dropout.js';
import type { Work } from './work.js';

/** What the backward pass of one layer needs of its forward, apart from its input. */
export interface LayerActivations {
  readonly attention: AttentionActivations;
  /** (rows, intermediate_size): before the activation. */
  readonly intermediate: Matrix;
  /** (rows, hidden_size): the layer norm's input without its residual. */
  readonly ffnOutput: Matrix;
}

export interface LayerTransposed {
  readonly attention: AttentionTransposed;
  readonly ffn: Transposed;
  readonly ffnOutput: Transposed;
}

/** One application of a layer's weights. */
export interface Application {
  readonly parameters: LayerParameters;
  readonly transposed: LayerTransposed;
  readonly sites: LayerSites;
}

export function transposedLayer(region: Region, step: Step, parameters: LayerParameters): LayerTransposed {
  return {
    attention: transposedAttention(region, step, parameters.attention),
    ffn: new Transposed(region, step, parameters.ffn),
    ffnOutput: new Transposed(region, step, parameters.ffnOutput),
  };
}

export function trainsAttention(step: Step, { attention: { qkv, dense, norm } }: LayerParameters): boolean {
  return trains(step, qkv, dense, norm);
}

export function trainsLayer(step: Step, parameters: LayerParameters): boolean {
  const { ffn, ffnOutput, fullLayerNorm } = parameters;
  return trainsAttention(step, parameters) || trains(step, ffn, ffnOutput, fullLayerNorm);
}

/** @param selected the rows that follow the attention heads; default: all tokens */
export function planLayer(region: Region, pass: Pass, selected?: Selected): LayerActivations {
  const rows = selected === undefined ? pass.batch.tokens : selected.rows.length;
  return {
    attention: planAttention(region, pass, selected),
    intermediate: region.matrix(rows, pass.config.intermediate_size),
    ffnOutput: region.matrix(rows, pass.config.hidden_size),
  };
}

/**
 * output = layer norm of (ffn_output(activation(ffn(attended))) + attended)
 *
 * @param output may be `hidden`; absent where only what the backward pass needs is wanted
 */
export function runLayer(
  pass: Pass,
  { parameters, sites }: Application,
  { attention, intermediate, ffnOutput }: LayerActivations,
  work: Work,
  hidden: Matrix,
  output: Matrix | undefined,
): void {
  const { engine, training, config, dropout } = pass;
  const { attended } = attention;
  const activated = rowsOf(work.intermediate, 0, intermediate.rows);
  runAttention(pass, parameters.attention, attention, work, hidden, sites);
  engine.linear(attended, parameters.ffn, intermediate);
  training.activate(intermediate, activated, pass.activation);
  engine.linear(activated, parameters.ffnOutput, ffnOutput);
  dropout?.tokens(engine, ffnOutput, sites.ffn);
  if (output === undefined) return;
  engine.layerNorm(ffnOutput, attended, parameters.fullLayerNorm, config.layer_norm_eps, output);
}

/**
 * dHidden = the gradient of the layer's input, from that of its output; adds to the gradients of the weights. The activations are
 * overwritten.
 *
 * @param dOut (rows, hidden_size): the gradient of the output; overwritten; may be dHidden
 * @param below whether the gradient of the input is wanted
 */
export function backwardLayer(
  pass: Pass,
  { parameters, transposed, sites }: Application,
  { attention, intermediate, ffnOutput }: LayerActivations,
  work: Work,
  hidden: Matrix,
  dOut: Matrix,
  dHidden: Matrix,
  below: boolean,
): void {
  const { training, config, activation } = pass;
  const { attended } = attention;
  const { dContext, products, inverse } = work;
  const dAttended = rowsOf(work.dAttended, 0, attended.rows);
  const activated = rowsOf(work.intermediate, 0, intermediate.rows);
  const attentionToo = below || trainsAttention(pass, parameters);

  const norm = gradientOfNorm(pass, parameters.fullLayerNorm);
  const { layer_norm_eps } = config;
  training.normGradient(dOut, ffnOutput, attended, parameters.fullLayerNorm, norm, layer_norm_eps, inverse);
  const dOutput = dropped(pass, dOut, sites.ffn, dContext);
  training.activate(intermediate, activated, activation);
  weightGradient(training, activated, dOutput, gradientOfDense(pass, parameters.ffnOutput), products);
  if (!attentionToo && !trains(pass, parameters.ffn)) return;

  const dIntermediate = activated;
  training.inputGradient(dOutput, transposed.ffnOutput.of(parameters.ffnOutput), dIntermediate);
  training.activateGradient(dIntermediate, intermediate, activation);
  weightGradient(training, attended, dIntermediate, gradientOfDense(pass, parameters.ffn), products);
  if (!attentionToo) return;
  training.inputGradient(dIntermediate, transposed.ffn.of(parameters.ffn), dAttended, dOut);
  backwardAttention(
    pass,
    parameters.attention,
    transposed.attention,
    attention,
    work,
    hidden,
    sites,
    dAttended,
    dHidden,
    below,
  );
}
