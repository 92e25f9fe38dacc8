/** FlaxAlbertLayer: self-attention, then the feed-forward block. */
import type { Engine } from '../engine/engine.js';
import { selfAttention } from './attention.js';
import { type AlbertConfig, HIDDEN_ACTIVATIONS } from './config.js';
import type { DropoutStream } from './dropout.js';
import type { LayerParameters } from './parameters/table.js';
import type { Activations } from './plan.js';

/** hidden = layer norm of (ffn_output(activation(ffn(attended))) + attended) */
export function albertLayer(
  engine: Engine,
  config: AlbertConfig,
  parameters: LayerParameters,
  activations: Activations,
  dropout: DropoutStream | undefined,
): void {
  const { hidden, context, attended, intermediate } = activations;
  selfAttention(engine, config, parameters, activations, dropout);
  engine.linear(attended, parameters.ffn, intermediate, HIDDEN_ACTIVATIONS[config.hidden_act]);
  // The heads' outputs are spent: their matrix holds the feed-forward's.
  engine.linear(intermediate, parameters.ffnOutput, context);
  dropout?.apply(engine, context, config.hidden_dropout_prob);
  engine.layerNorm(context, attended, parameters.fullLayerNorm, config.layer_norm_eps, hidden);
}
