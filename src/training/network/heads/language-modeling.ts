/** FlaxAlbertOnlyMLMHead: cross-entropy of words, computed only at the tokens that have a label. */

import { type Matrix, type Region, rowsOf } from '../../../engine/memory.js';
import { type ProductScratch, planProduct, weightGradient } from '../../../engine/weight-gradient.js';
import { rowsAmong } from '../../../model/network/batch.js';
import type { LanguageModelingParameters } from '../../../model/network/heads/language-modeling.js';
import { gradientOfDense, gradientOfNorm, type Pass, type Step, Transposed, trains } from '../context.js';
import type { TrainingHead } from '../head.js';
import { crossEntropy, type LossMemory, planLosses } from '../losses.js';
import { labelsOf } from '../request.js';

export interface TrainedLanguageModeling extends LanguageModelingParameters {
  readonly transposedDense: Transposed;
  readonly transposedDecoder: Transposed;
}

export interface LanguageModelingActivations {
  /** The tokens with a label, and the address of their i32 rows. */
  readonly labelled: readonly number[];
  readonly rows: number;
  /** (labelled, hidden_size): their hidden states, then the gradient of these. */
  readonly hidden: Matrix;
  /** (labelled, embedding_size) each: before the activation, after it, and after the layer norm. */
  readonly inner: Matrix;
  readonly activated: Matrix;
  readonly transformed: Matrix;
  /** (labelled, embedding_size): the gradient of `transformed`. */
  readonly dTransformed: Matrix;
  readonly inverse: number;
  /** (CHUNK_ROWS at most, vocab_size) */
  readonly logits: Matrix;
  readonly losses: LossMemory;
  readonly denseProducts: ProductScratch;
  readonly decoderProducts: ProductScratch;
}

/** Tokens whose logits are computed at once: for 30,000 words they take 14 MB, however long the batch. */
const CHUNK_ROWS = 120;

export function trainedLanguageModeling(
  region: Region,
  step: Step,
  parameters: LanguageModelingParameters,
): TrainedLanguageModeling {
  return {
    ...parameters,
    transposedDense: new Transposed(region, step, parameters.dense),
    transposedDecoder: new Transposed(region, step, parameters.decoder),
  };
}

/** The tokens that have a label. */
export function labelledTokens(classes: Int32Array): number[] {
  return [...classes.keys()].filter((token) => (classes[token] as number) >= 0);
}

/** @param classes a word per token, below 0 where there is no label */
export function planLanguageModeling(region: Region, pass: Pass, classes: Int32Array): LanguageModelingActivations {
  const { hidden_size, embedding_size, vocab_size } = pass.config;
  const labelled = labelledTokens(classes);
  const chunk = Math.min(labelled.length, CHUNK_ROWS);
  const matrix = () => region.matrix(labelled.length, embedding_size);
  return {
    labelled,
    rows: region.take(labelled.length * 4),
    hidden: region.matrix(labelled.length, hidden_size),
    inner: matrix(),
    activated: matrix(),
    transformed: matrix(),
    dTransformed: matrix(),
    inverse: region.take(labelled.length * 4),
    logits: region.matrix(chunk, vocab_size),
    losses: planLosses(region, chunk),
    denseProducts: planProduct(region, labelled.length, hidden_size, embedding_size),
    decoderProducts: planProduct(region, chunk, embedding_size, vocab_size),
  };
}

/** The loss of the labelled tokens; dHidden += the gradient of their hidden states. */
export function runLanguageModeling(
  pass: Pass,
  trained: TrainedLanguageModeling,
  activations: LanguageModelingActivations,
  hidden: Matrix,
  dHidden: Matrix | undefined,
  classes: Int32Array,
): number {
  const { engine, training, config, activation, lastRows } = pass;
  const { dense, norm } = trained;
  const { labelled, rows, inner, activated, transformed, dTransformed, inverse, denseProducts } = activations;
  if (labelled.length === 0) return 0;
  const read = rowsAmong(lastRows, labelled);
  engine.memory.i32(rows, read.length).set(read);
  engine.gather(hidden, read, activations.hidden);
  engine.linear(activations.hidden, dense, inner);
  training.activate(inner, activated, activation);
  engine.layerNorm(activated, undefined, norm, config.layer_norm_eps, transformed);

  const below = dHidden !== undefined || trains(pass, dense, norm);
  const words = Int32Array.from(labelled, (token) => classes[token] as number);
  const loss = decode(pass, trained, activations, words, below);
  if (!below) return loss;

  const dNorm = gradientOfNorm(pass, norm);
  training.normGradient(dTransformed, activated, undefined, norm, dNorm, config.layer_norm_eps, inverse);
  training.activateGradient(dTransformed, inner, activation);
  weightGradient(training, activations.hidden, dTransformed, gradientOfDense(pass, dense), denseProducts);
  if (dHidden === undefined) return loss;
  training.inputGradient(dTransformed, trained.transposedDense.of(dense), activations.hidden);
  training.scatter(activations.hidden, rows, { address: dHidden.address, panels: false });
  return loss;
}

/** The loss of a few tokens at a time, and dTransformed. A tied decoder's gradient is added to the word embeddings'. */
function decode(
  pass: Pass,
  { decoder, transposedDecoder }: TrainedLanguageModeling,
  { transformed, dTransformed, logits, losses, decoderProducts }: LanguageModelingActivations,
  words: Int32Array,
  below: boolean,
): number {
  const { engine, training, counts } = pass;
  const gradient = gradientOfDense(pass, decoder);
  let loss = 0;
  for (let first = 0; first < words.length; first += logits.rows) {
    const end = Math.min(first + logits.rows, words.length);
    const [x, scores] = [rowsOf(transformed, first, end), rowsOf(logits, 0, end - first)];
    engine.linear(x, decoder, scores);
    loss += crossEntropy(pass, scores, losses, words.subarray(first, end), counts.labels);
    weightGradient(training, x, scores, gradient, decoderProducts);
    if (below) training.inputGradient(scores, transposedDecoder.of(decoder), rowsOf(dTransformed, first, end));
  }
  return loss;
}

/** FlaxAlbertForMaskedLM. */
export const maskedLM: TrainingHead<TrainedLanguageModeling, LanguageModelingActivations> = {
  trained: (region, step, { head }) => trainedLanguageModeling(region, step, head as LanguageModelingParameters),
  rows: (_batch, labels) => labelledTokens(labelsOf('tokens', labels).classes),
  plan: (region, pass) => planLanguageModeling(region, pass, labelsOf('tokens', pass.labels).classes),
  run(pass, trained, activations, hidden, dHidden) {
    const { classes } = labelsOf('tokens', pass.labels);
    return runLanguageModeling(pass, trained, activations, hidden, dHidden, classes);
  },
};
