/** FlaxAlbertSelfAttention: query/key/value, heads, dense, residual, layer norm. */
import type { Engine } from '../engine/engine.js';
import { padded } from '../engine/memory.js';
import type { AlbertConfig } from './config.js';
import type { DropoutStream } from './dropout.js';
import type { LayerParameters } from './parameters.js';
import type { Activations } from './plan.js';

/** attended = layer norm of (dense(heads(hidden)) + hidden) */
export function selfAttention(
  engine: Engine,
  config: AlbertConfig,
  { qkv: projections, dense, attentionNorm }: LayerParameters,
  activations: Activations,
  dropout: DropoutStream | undefined,
): void {
  const { hidden, qkv, context, attended, sequences, scratch, keep } = activations;
  const heads = config.num_attention_heads;
  engine.linear(hidden, projections, qkv);
  if (keep !== undefined && dropout !== undefined) {
    // One mask for all sequences and heads: Flax's attention broadcasts its dropout.
    engine.memory.f32(keep.address, keep.rows * padded(keep.cols)).fill(1);
    dropout.apply(engine, keep, config.attention_probs_dropout_prob);
  }
  engine.attention({ qkv, context, sequences, heads, scratch, dropoutMask: keep?.address });
  engine.linear(context, dense, attended);
  dropout?.apply(engine, attended, config.hidden_dropout_prob);
  engine.layerNorm(attended, hidden, attentionNorm, config.layer_norm_eps, attended);
}
