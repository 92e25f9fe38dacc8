/** FlaxAlbertEmbeddings: word + token type + position, layer norm, dropout. */
import type { Engine } from '../engine/engine.js';
import { padded } from '../engine/memory.js';
import type { AlbertConfig } from './config.js';
import type { DropoutStream } from './dropout.js';
import type { CheckedInputs } from './inputs.js';
import type { BodyParameters } from './parameters.js';
import type { Activations } from './plan.js';

/** What FlaxAlbert adds to the scores of masked keys. In float32 it absorbs any score, so a fully masked row is uniform. */
const MASKED = -1e10;

/** Writes the integers and the mask's bias to memory; fills `embedded`. */
export function embed(
  engine: Engine,
  config: AlbertConfig,
  { tables, embeddingNorm }: BodyParameters,
  activations: Activations,
  inputs: CheckedInputs,
  dropout: DropoutStream | undefined,
): void {
  const { ids, types, positions, maskBias, embedded } = activations;
  const { batch, seq, mask } = inputs;
  const { memory } = engine;
  memory.i32(ids, batch * seq).set(inputs.ids);
  memory.i32(types, batch * seq).set(inputs.types);
  memory.i32(positions, batch * seq).set(inputs.positions);
  const bias = memory.f32(maskBias, batch * padded(seq)).fill(0);
  for (let row = 0; row < batch; row++) {
    for (let key = 0; key < seq; key++) if (mask[row * seq + key] === 0) bias[row * padded(seq) + key] = MASKED;
  }
  engine.embed(ids, types, positions, tables, embedded);
  engine.layerNorm(embedded, undefined, embeddingNorm, config.layer_norm_eps, embedded);
  dropout?.apply(engine, embedded, config.hidden_dropout_prob);
}
