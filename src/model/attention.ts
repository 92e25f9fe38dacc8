/** FlaxAlbertSelfAttention: query/key/value, heads, dense, residual, layer norm. */
import type { Engine } from '../engine/engine.js';
import { padded } from '../engine/memory.js';
import type { AlbertConfig } from './config.js';
import type { DropoutStream } from './dropout.js';
import type { LayerParameters } from './parameters.js';
import type { Activations, ForwardShape } from './plan.js';

/** attended = layer norm of (dense(heads(hidden)) + hidden) */
export function selfAttention(
  engine: Engine,
  config: AlbertConfig,
  { qkv: projections, dense, attentionNorm }: LayerParameters,
  activations: Activations,
  { batch, seq }: ForwardShape,
  dropout: DropoutStream | undefined,
): void {
  const { hidden, qkv, context, attended, maskBias, scratch, probs, keep } = activations;
  const heads = config.num_attention_heads;
  engine.linear(hidden, projections, qkv);
  if (keep !== undefined && dropout !== undefined) {
    // One mask for all sequences and heads: Flax's attention broadcasts its dropout.
    engine.memory.f32(keep.address, seq * padded(seq)).fill(1);
    dropout.apply(engine, keep, config.attention_probs_dropout_prob);
  }
  const sequences = Array.from({ length: batch }, (_, b) => ({
    start: b * seq,
    length: seq,
    maskBias: maskBias + b * padded(seq) * 4,
    probs: probs === undefined ? undefined : probs + b * heads * seq * seq * 4,
  }));
  engine.attention({ qkv, context, sequences, heads, scratch, keep: keep?.address });
  engine.linear(context, dense, attended);
  dropout?.apply(engine, attended, config.hidden_dropout_prob);
  engine.layerNorm(attended, hidden, attentionNorm, config.layer_norm_eps, attended);
}
