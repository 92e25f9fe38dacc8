/**
 * ALBERT as an ONNX file, float32 or dynamically quantised to int8: the nodes that PyTorch's exporter and ONNX Runtime's
 * quantizer write, so that ONNX Runtime's optimiser finds the patterns it fuses.
 *
 * An int8 file has the products in int8 that our int8 model has (`quantized.ts`), in each layer. The quantizer itself, given an
 * export of ALBERT whose twelve layers share their weights, quantises those of one layer and leaves the other eleven in float32:
 * such a file runs almost as slowly as a float32 one.
 */
import type { Albert } from '../albert-base.js';
import { OnnxGraph } from './graph.js';

/** The numbers of TensorProto.DataType that Cast takes. */
const CAST = { float32: { to: { int: 1 } } };

/** What a head is made of: the body's values by name, and what adds nodes with the model's weights. */
export interface Body {
  readonly graph: OnnxGraph;
  /** The name of the last hidden state, (batch, seq, hidden). */
  readonly hidden: string;
  /** Adds the pooler: (batch, hidden). */
  pooled(output?: string): string;
  stored(name: string): string;
  linear(name: string): Operation;
  layerNorm(name: string): Operation;
  readonly gelu: Operation;
  /** Of names in the body: the prefix that a model with a head has. */
  readonly prefix: string;
}

/** Adds the outputs of a model. */
export type OnnxHead = (body: Body) => void;

/**
 * Adds nodes behind a value, their weights stored once; called again, other nodes with the same weights.
 *
 * @returns the last one's name, `output` where given
 */
type Operation = (x: string, output?: string) => string;

/** `last_hidden_state` and `pooler_output`. */
export const bareModel: OnnxHead = ({ graph, hidden, pooled }) => {
  graph.output(hidden, 'float32', ['batch', 'seq', 'hidden']);
  graph.output(pooled('pooler_output'), 'float32', ['batch', 'hidden']);
};

interface OnnxOptions {
  /** Default: `bareModel`. */
  readonly head?: OnnxHead;
  /** The weights whose products are int8. Default: none. */
  readonly quantized?: ReadonlySet<string>;
}

/** @returns the bytes of a model of `input_ids`, `attention_mask`, `token_type_ids` to the outputs of its head */
export function encodeAlbertOnnx(albert: Albert, { head = bareModel, quantized }: OnnxOptions = {}): Uint8Array {
  const { config, tensors } = albert;
  const { hidden_size: hidden, num_attention_heads: heads, layer_norm_eps, num_hidden_layers: layers } = config;
  const { num_hidden_groups: groups = 1, inner_group_num: inner = 1 } = config;
  if (config.hidden_act !== 'gelu_new') throw new Error(`there are no nodes for ${config.hidden_act} yet`);
  const prefix = tensors.has('albert.embeddings.word_embeddings.weight') ? 'albert.' : '';
  const graph = new OnnxGraph();
  const ids = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    graph.input(name, 'int64', ['batch', 'seq']),
  ) as [string, string, string];

  const stored = (name: string) => graph.tensor(name, ...tensor(albert, name));
  const linear = (name: string) => {
    const linearOf = quantized?.has(`${name}.weight`) ? int8Linear : float32Linear;
    return linearOf(graph, albert, name);
  };
  const layerNorm = (name: string): Operation => {
    const parameters = [stored(`${name}.weight`), stored(`${name}.bias`)];
    return (x, output) =>
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
  const [word, type, position] = ['word', 'token_type', 'position'].map((kind, i) => {
    const table = stored(`${prefix}embeddings.${kind}_embeddings.weight`);
    return graph.node('Gather', [table, [ids[0], ids[2], positions][i] as string]);
  }) as [string, string, string];
  let x = layerNorm(`${prefix}embeddings.LayerNorm`)(add(add(word, type), position));
  x = linear(`${prefix}encoder.embedding_hidden_mapping_in`)(x);

  // 0 where the mask is 1, -1e10 where it is 0: (batch, 1, 1, seq)
  const masked = graph.node('Sub', [graph.scalar('unit', 1), graph.node('Cast', [ids[1]], CAST.float32)]);
  const maskBias = graph.node('Unsqueeze', [
    mul(masked, graph.scalar('masked_score', -1e10)),
    graph.integers('mask_axes', [1, 2]),
  ]);

  // 0 keeps a dimension.
  const toHeads = graph.integers('to_heads', [0, 0, heads, hidden / heads]);
  const fromHeads = graph.integers('from_heads', [0, 0, hidden]);
  const scale = graph.scalar('score_scale', 1 / Math.sqrt(hidden / heads));
  const split = (projected: string, perm: readonly number[]) =>
    graph.node('Transpose', [graph.node('Reshape', [projected, toHeads])], { perm: { ints: perm } });
  const gelu = geluNew(graph);

  /** One layer, its weights stored once for all the layers of its group. */
  const layerOf = (name: string): Operation => {
    const [query, key, value, dense] = ['query', 'key', 'value', 'dense'].map((part) =>
      linear(`${name}.attention.${part}`),
    ) as [Operation, Operation, Operation, Operation];
    const [ffn, ffnOutput] = [linear(`${name}.ffn`), linear(`${name}.ffn_output`)];
    const [attentionNorm, fullNorm] = [
      layerNorm(`${name}.attention.LayerNorm`),
      layerNorm(`${name}.full_layer_layer_norm`),
    ];
    return (x, output) => {
      const scores = graph.node('MatMul', [split(query(x), [0, 2, 1, 3]), split(key(x), [0, 2, 3, 1])]);
      const probs = graph.node('Softmax', [add(mul(scores, scale), maskBias)], { axis: { int: -1 } });
      const context = graph.node('MatMul', [probs, split(value(x), [0, 2, 1, 3])]);
      const merged = graph.node('Transpose', [context], { perm: { ints: [0, 2, 1, 3] } });
      const attended = attentionNorm(add(x, dense(graph.node('Reshape', [merged, fromHeads]))));
      return fullNorm(add(ffnOutput(gelu(ffn(attended))), attended), output);
    };
  };
  const stacks = Array.from({ length: groups }, (_, group) =>
    Array.from({ length: inner }, (_, i) =>
      layerOf(`${prefix}encoder.albert_layer_groups.${group}.albert_layers.${i}`),
    ),
  );
  const runs = Array.from({ length: layers }, (_, layer) => stacks[Math.floor((layer * groups) / layers)] ?? []).flat();
  for (const [i, run] of runs.entries()) x = run(x, i === runs.length - 1 ? 'last_hidden_state' : undefined);

  const pooled = (output?: string) => {
    const first = graph.node('Gather', [x, zero], { axis: { int: 1 } });
    return graph.node('Tanh', [linear(`${prefix}pooler`)(first)], {}, output);
  };
  head({ graph, hidden: x, pooled, stored, linear, layerNorm, gelu, prefix });
  return graph.encode();
}

function float32Linear(graph: OnnxGraph, albert: Albert, name: string): Operation {
  const { inputs, outputs, kernel } = kernelOf(albert, name);
  const weight = graph.tensor(`${name}.kernel`, [inputs, outputs], kernel);
  const bias = graph.tensor(`${name}.bias`, ...tensor(albert, `${name}.bias`));
  return (x, output) => graph.node('Add', [bias, graph.node('MatMul', [x, weight])], {}, output);
}

/** Activations in uint8 with one scale and one zero point per tensor, found at run time; weights with one scale per channel. */
function int8Linear(graph: OnnxGraph, albert: Albert, name: string): Operation {
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
  return (x, output) => {
    const [rows, scale, zero] = graph.nodeWith(3, 'DynamicQuantizeLinear', [x]) as [string, string, string];
    const sums = graph.node('MatMulInteger', [rows, weight, zero, zeroPoint]);
    const product = graph.node('Cast', [sums], CAST.float32);
    return graph.node('Add', [bias, graph.node('Mul', [product, graph.node('Mul', [scale, weightScale])])], {}, output);
  };
}

/** 0.5 · x · (1 + tanh(sqrt(2 / π) · (x + 0.044715 · x³))), the pattern that becomes FastGelu. */
function geluNew(graph: OnnxGraph): Operation {
  const [half, three, cubic, root, unit] = [0.5, 3, 0.044715, Math.sqrt(2 / Math.PI), 1].map((value, i) =>
    graph.scalar(`gelu_${i}`, value),
  ) as [string, string, string, string, string];
  return (x, output) => {
    const cube = graph.node('Mul', [graph.node('Pow', [x, three]), cubic]);
    const tanh = graph.node('Tanh', [graph.node('Mul', [graph.node('Add', [x, cube]), root])]);
    return graph.node('Mul', [graph.node('Mul', [x, half]), graph.node('Add', [tanh, unit])], {}, output);
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
