/** One forward and one backward pass of a batch, in micro-batches that fit the memory. */
import { type Matrix, Region } from '../../engine/memory.js';
import type { TrainingEngine } from '../../engine/training-engine.js';
import { throwIfAborted } from '../../ground/abort.js';
import { mismatch } from '../../ground/errors.js';
import { HIDDEN_ACTIVATIONS } from '../../model/config.js';
import { packBatch } from '../../model/network/batch.js';
import { finishLayers } from '../../model/network/forward.js';
import { type BodyActivations, backwardBody, planBody, runBody, type TrainedBody, trainedBody } from './body.js';
import type { Pass, Step } from './context.js';
import { Dropout, sitesOf } from './dropout.js';
import type { Kept } from './encoder.js';
import type { GradientMap } from './gradients.js';
import type { TrainingHead } from './head.js';
import { TRAINING_HEADS } from './heads/index.js';
import { vectorsOf } from './heads/model.js';
import { countsOf } from './losses.js';
import { examplesOf, type MicroBatch } from './micro-batches.js';
import type { CheckedLabels, GradientRequest, TrainedModel } from './request.js';
import { schedule } from './schedule.js';
import { negativesLoss } from './similarity.js';

/** A model as training sees it, the same in all micro-batches. */
interface TrainedNetwork {
  readonly step: Step;
  readonly body: TrainedBody;
  readonly head: TrainingHead;
  readonly trainedHead: unknown;
  /** Where the memory of a micro-batch begins. */
  readonly start: number;
}

/**
 * Adds the gradients of the mean loss of one batch to those that the map's memory holds. Dropout drops the elements that `forward` with
 * `train` drops, however the batch is cut.
 *
 * @throws ERR_MEMORY before any kernel runs when not even one example fits, ERR_INPUT likewise for label smoothing without classes; ERR_ABORTED
 *   and ERR_INPUT for a loss that is not finite: some gradients are then added
 */
export async function computeGradients(
  model: TrainedModel,
  training: TrainingEngine,
  gradients: GradientMap,
  request: GradientRequest,
): Promise<{ loss: number }> {
  const { memory } = model.engine;
  const { inputs, labels, recompute, signal } = request;
  const before = memory.used;
  const network = trainedNetwork(model, training, gradients, request);
  const limit = Math.min(request.maxMemoryBytes, memory.maxBytes);
  const bytesOf = (batch: MicroBatch, kept: Kept) => planned(network, request, batch, kept).end;
  const { kept, batches } = schedule(examplesOf(inputs, labels), labels, recompute, limit, bytesOf);
  throwIfAborted(signal);
  try {
    const ends = batches.map((batch) => planned(network, request, batch, kept));
    memory.claim(ends.reduce((a, b) => (b.end > a.end ? b : a)).region);
    let loss = 0;
    let dVectors: Float64Array | undefined;
    if (labels.loss === 'similarity' && labels.cosines === undefined && batches.length > 1) {
      ({ loss, gradient: dVectors } = await lossOfAllVectors(network, request, batches));
      checkFinite(loss);
    }
    for (const batch of batches) {
      loss += await finishLayers(runMicroBatch(network, request, batch, kept, dVectors), signal);
    }
    return { loss };
  } finally {
    memory.release(before);
  }
}

function trainedNetwork(
  { engine, config, architecture, layout }: TrainedModel,
  training: TrainingEngine,
  gradients: GradientMap,
  { labels, label_smoothing_factor: smoothing = 0 }: GradientRequest,
): TrainedNetwork {
  checkSmoothing(smoothing, labels);
  const activation = HIDDEN_ACTIVATIONS[config.hidden_act] ?? 'identity';
  const counts = countsOf(labels);
  const step: Step = { engine, training, config, activation, gradients, sites: sitesOf(config), smoothing, counts };
  const region = engine.memory.region();
  const head = TRAINING_HEADS[architecture];
  const body = trainedBody(region, step, layout.body);
  const trainedHead = head.trained(region, step, layout);
  return { step, body, head, trainedHead, start: region.end };
}

function passOf(
  { step, head, body: { encoder } }: TrainedNetwork,
  { dropout_rng }: GradientRequest,
  { inputs, labels, firstToken, firstSequence }: MicroBatch,
): Pass {
  const dropout = dropout_rng === undefined ? undefined : new Dropout(dropout_rng, firstToken, firstSequence);
  const batch = packBatch(inputs);
  // Dropout goes by the row. A frozen body's output is kept whole.
  const drops = dropout !== undefined && step.config.hidden_dropout_prob > 0;
  const rows = drops || encoder.lowest === encoder.layers.length ? undefined : head.rows?.(batch, labels);
  const lastRows = rows === undefined || rows.length === 0 || rows.length === batch.tokens ? undefined : rows;
  return { ...step, batch, labels, dropout, lastRows };
}

/** The memory of a micro-batch. */
function planned(network: TrainedNetwork, request: GradientRequest, batch: MicroBatch, kept: Kept) {
  const { head, trainedHead, body, start } = network;
  const pass = passOf(network, request, batch);
  const region = new Region(start);
  const planHead = (of: Region) => head.plan(of, pass, trainedHead);
  const activations: BodyActivations & { head: unknown } = planBody(region, pass, body, kept, planHead);
  return { pass, activations, region, end: region.end };
}

/** The forward and the backward pass of a micro-batch. @returns its part of the loss */
function* runMicroBatch(
  network: TrainedNetwork,
  request: GradientRequest,
  batch: MicroBatch,
  kept: Kept,
  dAllVectors: Float64Array | undefined,
): Generator<void, number> {
  const { head, trainedHead, body } = network;
  const { pass, activations } = planned(network, request, batch, kept);
  const { gradients } = activations;
  const hidden = yield* gradients === undefined
    ? runFrozenBody(pass, request, batch, body, activations)
    : runBody(pass, body, activations);
  if (gradients !== undefined) pass.training.zero(gradients.output);
  const dVectors = dAllVectors?.subarray(...vectorsRange(pass, batch));
  const ofHead: Pass = dVectors === undefined ? pass : { ...pass, dVectors };
  const loss = head.run(ofHead, trainedHead, activations.head, hidden, gradients?.output);
  checkFinite(loss);
  if (gradients !== undefined) yield* backwardBody(pass, body, activations, gradients);
  return loss;
}

/** The hidden states of a body that is not trained: as they were kept, unless dropout makes them anew. */
function* runFrozenBody(
  pass: Pass,
  { features }: GradientRequest,
  { inputs }: MicroBatch,
  body: TrainedBody,
  activations: BodyActivations,
): Generator<void, Matrix> {
  const { engine, config, dropout } = pass;
  const drops = dropout !== undefined && (config.hidden_dropout_prob > 0 || config.attention_probs_dropout_prob > 0);
  if (features === undefined || drops) return yield* runBody(pass, body, activations);
  const kept = activations.encoder.hidden.at(-1) as Matrix;
  if (features.read(engine.memory, inputs, kept)) return kept;
  const hidden = yield* runBody(pass, body, activations);
  features.write(engine.memory, inputs, hidden);
  return hidden;
}

/** In-batch negatives need the vectors of all texts before the gradient of any. */
async function lossOfAllVectors(network: TrainedNetwork, request: GradientRequest, batches: readonly MicroBatch[]) {
  const size = network.step.config.hidden_size;
  const parts: Float64Array[] = [];
  for (const batch of batches) {
    const { pass, activations } = planned(network, request, batch, 'nothing');
    const hidden: Matrix = await finishLayers(runBody(pass, network.body, activations), request.signal);
    parts.push(vectorsOf(pass, hidden));
  }
  const vectors = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  for (const [i, part] of parts.entries()) vectors.set(part, (batches[i] as MicroBatch).firstSequence * size);
  return negativesLoss(vectors, size);
}

/** The range of a micro-batch's vectors among those of the batch. */
function vectorsRange({ config }: Pass, { firstSequence, sequences }: MicroBatch): [number, number] {
  return [firstSequence * config.hidden_size, (firstSequence + sequences) * config.hidden_size];
}

/** Only a loss over classes can be smoothed. */
function checkSmoothing(smoothing: number, { loss }: CheckedLabels): void {
  const classes = loss !== 'regression' && loss !== 'multi_label' && loss !== 'similarity';
  if (smoothing !== 0 && !classes) {
    throw mismatch('ERR_INPUT', 'label_smoothing_factor', `0 for ${loss}, whose labels are no classes`, smoothing);
  }
}

function checkFinite(loss: number): void {
  if (!Number.isFinite(loss))
    throw mismatch('ERR_INPUT', 'loss', 'a finite number: a lower learning_rate may help', loss);
}
