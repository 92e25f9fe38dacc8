/** FlaxAlbertEncoder: the mapping to hidden_size, then each layer with the weights of its group. */
import type { AttentionSequence, Engine } from '../engine/engine.js';
import { Tensor } from '../tensor.js';
import { type Batch, readRows } from './batch.js';
import { type AlbertConfig, groupOfLayer } from './config.js';
import type { DropoutStream } from './dropout.js';
import { albertLayer } from './layer.js';
import type { BodyParameters, LayerParameters } from './parameters/table.js';
import type { Activations } from './plan.js';

/** What the encoder collects of one rectangle on its way, where asked to. */
export interface Collected {
  /** (batch, seq, hidden_size) each: after the mapping and, as FlaxAlbert counts, after each application of a group. */
  readonly hidden_states: Tensor<Float32Array>[] | undefined;
  /** (batch, num_attention_heads, seq, seq) each: one for every inner layer of every application. */
  readonly attentions: Tensor<Float32Array>[] | undefined;
}

/** Which of them to collect. */
export interface Collect {
  readonly output_hidden_states: boolean;
  readonly output_attentions: boolean;
}

/** From `embedded` to the last `hidden`. Yields after each layer, where a caller may stop. */
export function* encode(
  engine: Engine,
  config: AlbertConfig,
  parameters: BodyParameters,
  activations: Activations,
  { rectangles }: Batch,
  { output_hidden_states, output_attentions }: Collect,
  dropout: DropoutStream | undefined,
): Generator<void, Collected[]> {
  const { hidden, sequences } = activations;
  const { num_attention_heads: heads } = config;
  const collected = rectangles.map(
    (): Collected => ({
      hidden_states: output_hidden_states ? [] : undefined,
      attentions: output_attentions ? [] : undefined,
    }),
  );
  const collectHidden = () => {
    for (const [i, { tokens }] of rectangles.entries()) {
      collected[i]?.hidden_states?.push(readRows(engine, hidden, tokens));
    }
  };
  const collectAttentions = () => {
    for (const [i, { batch, seq, sequences: of }] of rectangles.entries()) {
      const { probs } = sequences[of.from] as AttentionSequence;
      if (probs === undefined) continue;
      const weights = engine.memory.f32(probs, batch * heads * seq * seq).slice();
      collected[i]?.attentions?.push(new Tensor(weights, [batch, heads, seq, seq]));
    }
  };

  engine.linear(activations.embedded, parameters.mapping, hidden);
  collectHidden();
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const group = parameters.groups[groupOfLayer(config, layer)] as readonly LayerParameters[];
    for (const inner of group) {
      albertLayer(engine, config, inner, activations, dropout);
      collectAttentions();
      yield;
    }
    collectHidden();
  }
  return collected;
}
