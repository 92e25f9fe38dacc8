/**
 * ALBERT as an ONNX file, float32 or dynamically quantised to int8: the nodes that PyTorch's exporter and ONNX Runtime's
 * quantizer write, so that ONNX Runtime's optimiser finds the patterns it fuses.
 *
 * Every product with weights is quantised. The quantizer itself, given an export of ALBERT whose twelve layers share their
 * weights, quantises those of one layer and leaves the other eleven in float32: such a file runs as fast as a float32 one.
 */
import type { Dtype } from '../../src/engine/schemes.js';
import type { Albert } from '../albert-base.js';
import { OnnxGraph } from './onnx-graph.js';

const LAYER = 'encoder.albert_layer_groups.0.albert_layers.0';

/** The numbers of TensorProto.DataType that Cast takes. */
const CAST = { float32: { to: { int: 1 } } };

/** @returns the bytes of a model of `input_ids`, `attention_mask`, `token_type_ids` to `last_hidden_state`, `pooler_output` */
export function encodeAlbertOnnx(albert: Albert, dtype: Dtype): Uint8Array {
  const { config } = albert;
  const { hidden_size: hidden, num_attention_heads: heads, layer_norm_eps } = config;
  const graph = new OnnxGraph();
  const ids = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    graph.input(name, 'int64', ['batch', 'seq']),
  ) as [string, string, string];
  graph.output('last_hidden_state', 'float32', ['batch', 'seq', hidden]);
  graph.output('pooler_output', 'float32', ['batch', hidden]);

  const stored = (name: string) => graph.tensor(name, ...tensor(albert, name));
  const linearOf = dtype === 'int8' ? int8Linear : float32Linear;
  const linear = (name: string) => linearOf(graph, albert, name);
  const layerNorm = (name: string) => {
    const parameters = [stored(`${name}.weight`), stored(`${name}.bias`)];
    return (x: string, output?: string) =>
      graph.node(
        'LayerNormalization',
        [x, ...parameters],
        { axis: { int: -1 }, epsilon: { float: layer_norm_eps } },
        output,
      );
  };
  const add = (a: string, b: string) => graph.node('Add', [a, b]);
  const mul = (a: string, b: string) => graph.node('Mul', [a, b]);

  // Embeddings.
  const [zero, one] = ['zero', 'one'].map((name, i) => graph.tensor(name, [], BigInt64Array.of(BigInt(i)))) as [
    string,
    string,
  ];
  const seq = graph.node('Gather', [graph.node('Shape', [ids[0]]), one], { axis: { int: 0 } });
  const positions = graph.node('Range', [zero, seq, one]);
  const [word, type, position] = ['word', 'token_type', 'position'].map((kind, i) =>
    graph.node('Gather', [stored(`embeddings.${kind}_embeddings.weight`), [ids[0], ids[2], positions][i] as string]),
  ) as [string, string, string];
  let x = layerNorm('embeddings.LayerNorm')(add(add(word, type), position));
  x = linear('encoder.embedding_hidden_mapping_in')(x);

  // 0 where the mask is 1, -1e10 where it is 0: (batch, 1, 1, seq)
  const masked = graph.node('Sub', [graph.scalar('unit', 1), graph.node('Cast', [ids[1]], CAST.float32)]);
  const maskBias = graph.node('Unsqueeze', [
    mul(masked, graph.scalar('masked_score', -1e10)),
    graph.integers('mask_axes', [1, 2]),
  ]);

  const [query, key, value, dense] = ['query', 'key', 'value', 'dense'].map((name) =>
    linear(`${LAYER}.attention.${name}`),
  ) as [Linear, Linear, Linear, Linear];
  const [ffn, ffnOutput] = [linear(`${LAYER}.ffn`), linear(`${LAYER}.ffn_output`)];
  const [attentionNorm, fullNorm] = ['attention.LayerNorm', 'full_layer_layer_norm'].map((name) =>
    layerNorm(`${LAYER}.${name}`),
  ) as [ReturnType<typeof layerNorm>, ReturnType<typeof layerNorm>];
  // 0 keeps a dimension.
  const toHeads = graph.integers('to_heads', [0, 0, heads, hidden / heads]);
  const fromHeads = graph.integers('from_heads', [0, 0, hidden]);
  const scale = graph.scalar('score_scale', 1 / Math.sqrt(hidden / heads));
  const split = (projected: string, perm: readonly number[]) =>
    graph.node('Transpose', [graph.node('Reshape', [projected, toHeads])], { perm: { ints: perm } });
  const gelu = geluNew(graph);

  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const last = layer === config.num_hidden_layers - 1;
    const scores = graph.node('MatMul', [split(query(x), [0, 2, 1, 3]), split(key(x), [0, 2, 3, 1])]);
    const probs = graph.node('Softmax', [add(mul(scores, scale), maskBias)], { axis: { int: -1 } });
    const context = graph.node('MatMul', [probs, split(value(x), [0, 2, 1, 3])]);
    const merged = graph.node('Transpose', [context], { perm: { ints: [0, 2, 1, 3] } });
    const attended = attentionNorm(add(x, dense(graph.node('Reshape', [merged, fromHeads]))));
    x = fullNorm(add(ffnOutput(gelu(ffn(attended))), attended), last ? 'last_hidden_state' : undefined);
  }

  const first = graph.node('Gather', [x, zero], { axis: { int: 1 } });
  graph.node('Tanh', [linear('pooler')(first)], {}, 'pooler_output');
  return graph.encode();
}

/** Adds a product with weights stored once; called again, it adds another product with the same weights. */
type Linear = (x: string) => string;

function float32Linear(graph: OnnxGraph, albert: Albert, name: string): Linear {
  const { inputs, outputs, kernel } = kernelOf(albert, name);
  const weight = graph.tensor(`${name}.kernel`, [inputs, outputs], kernel);
  const bias = graph.tensor(`${name}.bias`, ...tensor(albert, `${name}.bias`));
  return (x) => graph.node('Add', [bias, graph.node('MatMul', [x, weight])]);
}

/** Activations in uint8 with a scale and a zero point a tensor, found at run time; weights with a scale a channel. */
function int8Linear(graph: OnnxGraph, albert: Albert, name: string): Linear {
  const { inputs, outputs, kernel } = kernelOf(albert, name);
  const scales = new Float32Array(outputs);
  kernel.forEach((value, i) => {
    const channel = i % outputs;
    scales[channel] = Math.max(scales[channel] as number, Math.abs(value) / 127);
  });
  const quantized = Int8Array.from(kernel, (value, i) => Math.round(value / (scales[i % outputs] as number)));
  const weight = graph.tensor(`${name}.quantized`, [inputs, outputs], quantized);
  const weightScale = graph.tensor(`${name}.scale`, [outputs], scales);
  const zeroPoint = graph.tensor(`${name}.zero_point`, [outputs], new Int8Array(outputs));
  const bias = graph.tensor(`${name}.bias`, ...tensor(albert, `${name}.bias`));
  return (x) => {
    const [rows, scale, zero] = graph.nodeWith(3, 'DynamicQuantizeLinear', [x]) as [string, string, string];
    const sums = graph.node('MatMulInteger', [rows, weight, zero, zeroPoint]);
    const product = graph.node('Cast', [sums], CAST.float32);
    return graph.node('Add', [bias, graph.node('Mul', [product, graph.node('Mul', [scale, weightScale])])]);
  };
}

/** 0.5 · x · (1 + tanh(sqrt(2 / π) · (x + 0.044715 · x³))), the pattern that becomes FastGelu. */
function geluNew(graph: OnnxGraph): (x: string) => string {
  const [half, three, cubic, root, unit] = [0.5, 3, 0.044715, Math.sqrt(2 / Math.PI), 1].map((value, i) =>
    graph.scalar(`gelu_${i}`, value),
  ) as [string, string, string, string, string];
  return (x) => {
    const cube = graph.node('Mul', [graph.node('Pow', [x, three]), cubic]);
    const tanh = graph.node('Tanh', [graph.node('Mul', [graph.node('Add', [x, cube]), root])]);
    return graph.node('Mul', [graph.node('Mul', [x, half]), graph.node('Add', [tanh, unit])]);
  };
}

function tensor({ tensors }: Albert, name: string): [readonly number[], Float32Array] {
  const found = tensors.get(name);
  if (found === undefined) throw new Error(`there is no tensor ${name}`);
  return [found.shape, found.data];
}

/** A dense layer's weights as (inputs, outputs), the way that MatMul takes them. */
export function kernelOf(albert: Albert, name: string): { inputs: number; outputs: number; kernel: Float32Array } {
  const [[outputs = 0, inputs = 0], weight] = tensor(albert, `${name}.weight`);
  const kernel = new Float32Array(weight.length);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) kernel[i * outputs + o] = weight[o * inputs + i] as number;
  }
  return { inputs, outputs, kernel };
}
