/** A small configuration that exercises every dimension, and helpers to run it. */
import type { AlbertInputs } from '../../src/model/inputs.js';

/** Two groups of two inner layers; no size is a multiple of 8. */
export const TINY = Object.freeze({
  model_type: 'albert',
  vocab_size: 97,
  embedding_size: 13,
  hidden_size: 36,
  num_hidden_layers: 3,
  num_hidden_groups: 2,
  inner_group_num: 2,
  num_attention_heads: 3,
  intermediate_size: 50,
  hidden_act: 'gelu_new',
  max_position_embeddings: 24,
  type_vocab_size: 2,
  initializer_range: 0.3,
});

/** A padded batch of two. */
export const TINY_INPUTS: AlbertInputs = Object.freeze({
  input_ids: [
    [2, 5, 17, 96, 3],
    [2, 33, 3, 0, 0],
  ],
  attention_mask: [
    [1, 1, 1, 1, 1],
    [1, 1, 1, 0, 0],
  ],
  token_type_ids: [
    [0, 0, 0, 1, 1],
    [0, 0, 0, 0, 0],
  ],
});
