/** The parameters that a FlaxAlbert of some configuration has, by PyTorch's names, and their shapes. */
import type { AlbertConfig } from '../../src/model/config.js';
import type { HeadName } from './albert.js';

/** The heads that read the pooler's output. */
const POOLED: readonly HeadName[] = ['model', 'pretraining', 'sequence_classification', 'multiple_choice'];

/** `albert.` before the body's names, except in the bare model. */
export function prefixOf(head: HeadName): string {
  return head === 'model' ? '' : 'albert.';
}

export function parameterShapes(config: AlbertConfig, head: HeadName): ReadonlyMap<string, readonly number[]> {
  const { vocab_size, embedding_size, hidden_size, intermediate_size, num_labels } = config;
  const shapes = new Map<string, readonly number[]>();
  const norm = (name: string, size: number) => shapes.set(`${name}.weight`, [size]).set(`${name}.bias`, [size]);
  const dense = (name: string, inputs: number, outputs: number) =>
    shapes.set(`${name}.weight`, [outputs, inputs]).set(`${name}.bias`, [outputs]);
  const table = (name: string, count: number) =>
    shapes.set(`${prefixOf(head)}embeddings.${name}_embeddings.weight`, [count, embedding_size]);

  table('word', vocab_size);
  table('position', config.max_position_embeddings);
  table('token_type', config.type_vocab_size);
  norm(`${prefixOf(head)}embeddings.LayerNorm`, embedding_size);
  dense(`${prefixOf(head)}encoder.embedding_hidden_mapping_in`, embedding_size, hidden_size);
  for (let group = 0; group < config.num_hidden_groups; group++) {
    for (let inner = 0; inner < config.inner_group_num; inner++) {
      const layer = `${prefixOf(head)}encoder.albert_layer_groups.${group}.albert_layers.${inner}`;
      for (const name of ['query', 'key', 'value', 'dense'])
        dense(`${layer}.attention.${name}`, hidden_size, hidden_size);
      norm(`${layer}.attention.LayerNorm`, hidden_size);
      dense(`${layer}.ffn`, hidden_size, intermediate_size);
      dense(`${layer}.ffn_output`, intermediate_size, hidden_size);
      norm(`${layer}.full_layer_layer_norm`, hidden_size);
    }
  }
  if (POOLED.includes(head)) dense(`${prefixOf(head)}pooler`, hidden_size, hidden_size);

  if (head === 'pretraining' || head === 'masked_lm') {
    dense('predictions.dense', hidden_size, embedding_size);
    norm('predictions.LayerNorm', embedding_size);
    shapes.set('predictions.bias', [vocab_size]);
    if (!config.tie_word_embeddings) shapes.set('predictions.decoder.weight', [vocab_size, embedding_size]);
  }
  if (head === 'pretraining') dense('sop_classifier.classifier', hidden_size, 2);
  if (head === 'sequence_classification' || head === 'token_classification')
    dense('classifier', hidden_size, num_labels);
  if (head === 'multiple_choice') dense('classifier', hidden_size, 1);
  if (head === 'question_answering') dense('qa_outputs', hidden_size, 2);
  return shapes;
}
