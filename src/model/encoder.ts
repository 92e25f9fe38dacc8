/** FlaxAlbertEncoder: the mapping to hidden_size, then each layer with the weights of its group. */
import type { Engine } from '../engine/engine.js';
import { Tensor } from '../tensor.js';
import { type AlbertConfig, groupOfLayer } from './config.js';
import type { DropoutStream } from './dropout.js';
import { albertLayer } from './layer.js';
import type { BodyParameters, LayerParameters } from './parameters.js';
import type { Activations, ForwardShape } from './plan.js';

/** What the encoder collects on its way, where asked to. */
export interface Collected {
  /** (batch, seq, hidden_size) each: after the mapping and, as FlaxAlbert counts, after each application of a group. */
  readonly hidden_states: Tensor<Float32Array>[] | undefined;
  /** (batch, num_attention_heads, seq, seq) each: one for every inner layer of every application. */
  readonly attentions: Tensor<Float32Array>[] | undefined;
}

/** From `embedded` to the last `hidden`. Yields after each layer, where a caller may stop. */
export function* encode(
  engine: Engine,
  config: AlbertConfig,
  parameters: BodyParameters,
  activations: Activations,
  shape: ForwardShape & { readonly output_hidden_states: boolean },
  dropout: DropoutStream | undefined,
): Generator<void, Collected> {
  const { batch, seq } = shape;
  const { hidden, probs } = activations;
  const { num_attention_heads: heads } = config;
  const hidden_states: Tensor<Float32Array>[] | undefined = shape.output_hidden_states ? [] : undefined;
  const attentions: Tensor<Float32Array>[] | undefined = probs === undefined ? undefined : [];
  const collectHidden = () => hidden_states?.push(new Tensor(engine.read(hidden), [batch, seq, config.hidden_size]));

  engine.linear(activations.embedded, parameters.mapping, hidden);
  collectHidden();
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const group = parameters.groups[groupOfLayer(config, layer)] as readonly LayerParameters[];
    for (const inner of group) {
      albertLayer(engine, config, inner, activations, shape, dropout);
      if (probs !== undefined) {
        const weights = engine.memory.f32(probs, batch * heads * seq * seq).slice();
        attentions?.push(new Tensor(weights, [batch, heads, seq, seq]));
      }
      yield;
    }
    collectHidden();
  }
  return { hidden_states, attentions };
}
