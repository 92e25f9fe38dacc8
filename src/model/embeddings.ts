/** FlaxAlbertEmbeddings: word + token type + position, layer norm, dropout. */
import type { Engine } from '../engine/engine.js';
import { MASKED } from '../engine/masked.js';
import { padded } from '../engine/memory.js';
import type { AlbertConfig } from './config.js';
import type { DropoutStream } from './dropout.js';
import type { BodyParameters } from './parameters.js';
import type { Activations } from './plan.js';
import type { Run } from './run.js';

/** Writes the integers and the masks' biases to memory; fills `embedded`. */
export function embed(
  engine: Engine,
  config: AlbertConfig,
  { tables, embeddingNorm }: BodyParameters,
  activations: Activations,
  { rectangles }: Run,
  dropout: DropoutStream | undefined,
): void {
  const { ids, types, positions, embedded, sequences } = activations;
  const { memory } = engine;
  for (const inputs of rectangles) {
    const { tokens, seq, mask } = inputs;
    const at = tokens.from * 4;
    memory.i32(ids + at, mask.length).set(inputs.ids);
    memory.i32(types + at, mask.length).set(inputs.types);
    memory.i32(positions + at, mask.length).set(inputs.positions);
    sequences.slice(inputs.sequences.from, inputs.sequences.to).forEach(({ maskBias }, row) => {
      const bias = memory.f32(maskBias, padded(seq)).fill(0);
      for (let key = 0; key < seq; key++) if (mask[row * seq + key] === 0) bias[key] = MASKED;
    });
  }
  engine.embed(ids, types, positions, tables, embedded);
  engine.layerNorm(embedded, undefined, embeddingNorm, config.layer_norm_eps, embedded);
  dropout?.apply(engine, embedded, config.hidden_dropout_prob);
}
