/** The body of every ALBERT, forward and backward, around its head. */
import { type Matrix, Region } from '../../engine/memory.js';
import type { BodyParameters } from '../../model/network/body.js';
import type { EmbeddingsParameters } from '../../model/network/embeddings.js';
import type { Pass, Step } from './context.js';
import {
  backwardEmbeddings,
  type EmbeddingsActivations,
  planEmbeddings,
  runEmbeddings,
  trainsEmbeddings,
} from './embeddings.js';
import {
  backwardEncoder,
  type EncoderActivations,
  type Kept,
  planEncoder,
  runEncoder,
  type TrainedEncoder,
  trainedEncoder,
} from './encoder.js';
import { planWork, type Work } from './work.js';

/** The body as training sees it, the same in all micro-batches. */
export interface TrainedBody {
  readonly embeddings: EmbeddingsParameters;
  readonly trainsEmbeddings: boolean;
  readonly encoder: TrainedEncoder;
}

export interface BodyActivations {
  readonly embeddings: EmbeddingsActivations;
  readonly encoder: EncoderActivations;
  readonly work: Work;
  /** Present where anything in the body is trained. */
  readonly gradients: BodyGradients | undefined;
}

/** Memory of gradients. */
export interface BodyGradients {
  /** (rows read, hidden_size): of the encoder's output; may be `hidden`. */
  readonly output: Matrix;
  /** (tokens, hidden_size): of the hidden states between the layers. */
  readonly hidden: Matrix;
}

export function trainedBody(region: Region, step: Step, { embeddings, encoder }: BodyParameters): TrainedBody {
  const trained = trainsEmbeddings(step, embeddings);
  return {
    embeddings,
    trainsEmbeddings: trained,
    encoder: trainedEncoder(region, step, encoder, trained),
  };
}

/** @param planHead takes the head's memory, in which the layers work when the head does not */
export function planBody<A>(
  region: Region,
  pass: Pass,
  body: TrainedBody,
  kept: Kept,
  planHead: (region: Region) => A,
): BodyActivations & { readonly head: A } {
  const embeddings = planEmbeddings(region, pass);
  const encoder = planEncoder(region, pass, body.encoder, kept);
  const backward = kept !== 'nothing' && body.encoder.lowest < body.encoder.layers.length;
  const gradients = backward ? planGradients(region, pass) : undefined;
  const [ofHead, ofLayers] = [new Region(region.end), new Region(region.end)];
  const head = planHead(ofHead);
  const work = planWork(ofLayers, pass, encoder.sequences, backward);
  region.take(Math.max(ofHead.end, ofLayers.end) - region.end);
  return { embeddings, encoder, work, gradients, head };
}

function planGradients(region: Region, { config: { hidden_size }, batch, lastRows }: Pass): BodyGradients {
  const hidden = region.matrix(batch.tokens, hidden_size);
  return { hidden, output: lastRows === undefined ? hidden : region.matrix(lastRows.length, hidden_size) };
}

/** The encoder's output. Yields after each layer. */
export function* runBody(
  pass: Pass,
  body: TrainedBody,
  { embeddings, encoder, work }: BodyActivations,
): Generator<void, Matrix> {
  runEmbeddings(pass, body.embeddings, embeddings);
  return yield* runEncoder(pass, body.encoder, encoder, work, embeddings.embedded);
}

/** Adds to the gradients of the body, from that of the encoder's output. Yields after each layer. */
export function* backwardBody(
  pass: Pass,
  body: TrainedBody,
  { embeddings, encoder, work }: BodyActivations,
  gradients: BodyGradients,
): Generator<void, void> {
  const { embedded } = embeddings;
  yield* backwardEncoder(pass, body.encoder, encoder, work, gradients, embedded, body.trainsEmbeddings);
  // The encoder has left the gradient of `embedded` in its place.
  if (body.trainsEmbeddings) backwardEmbeddings(pass, body.embeddings, embeddings, embedded, work.inverse);
}
