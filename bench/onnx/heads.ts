/** The heads of ALBERT as ONNX, with the outputs that transformers.js reads. */
import type { OnnxHead } from './albert.js';

export const sequenceClassification: OnnxHead = ({ graph, pooled, linear }) => {
  graph.output(linear('classifier')(pooled(), 'logits'), 'float32', ['batch', 'labels']);
};

export const tokenClassification: OnnxHead = ({ graph, hidden, linear }) => {
  graph.output(linear('classifier')(hidden, 'logits'), 'float32', ['batch', 'seq', 'labels']);
};

export const questionAnswering: OnnxHead = ({ graph, hidden, linear }) => {
  const logits = linear('qa_outputs')(hidden);
  for (const [i, output] of ['start_logits', 'end_logits'].entries()) {
    const index = graph.tensor(`${output}.index`, [], BigInt64Array.of(BigInt(i)));
    graph.output(graph.node('Gather', [logits, index], { axis: { int: 2 } }, output), 'float32', ['batch', 'seq']);
  }
};

/** Its decoder is the table of words. */
export const maskedLM: OnnxHead = ({ graph, hidden, stored, linear, layerNorm, gelu, prefix }) => {
  const states = layerNorm('predictions.LayerNorm')(gelu(linear('predictions.dense')(hidden)));
  const words = `${prefix}embeddings.word_embeddings.weight`;
  const decoder = graph.node('Transpose', [words], { perm: { ints: [1, 0] } });
  const logits = graph.node('MatMul', [states, decoder]);
  graph.output(graph.node('Add', [logits, stored('predictions.bias')], {}, 'logits'), 'float32', [
    'batch',
    'seq',
    'words',
  ]);
};
