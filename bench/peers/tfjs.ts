/** ALBERT in the operations of TensorFlow.js on its WebAssembly backend: SIMD, one thread, bias fused with its product. */
import type { Albert, Shape } from '../albert-base.js';
import { kernelOf } from '../onnx/albert.js';
import type { Peer } from './peer.js';

const LAYER = 'encoder.albert_layer_groups.0.albert_layers.0';

/** As much of tfjs-core as is used here; the packages need not be there to compile this. */
interface Tensor {
  readonly dtype: string;
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Unary = Record<'softmax' | 'sigmoid' | 'tanh' | 'square' | 'rsqrt', (x: Tensor) => Tensor>;
type Binary = Record<'add' | 'sub' | 'mul' | 'gather', (a: Tensor, b: Tensor) => Tensor>;
interface Tfjs extends Unary, Binary {
  readonly fused: { matMul(operands: { a: Tensor; b: Tensor; bias: Tensor }): Tensor };
  env(): { getAsync(flag: string): Promise<boolean | number> };
  setBackend(name: string): Promise<boolean>;
  removeBackend(name: string): void;
  tidy(run: () => Tensor): Tensor;
  tensor(data: Float32Array | Int32Array, shape: readonly number[], dtype?: 'int32'): Tensor;
  scalar(value: number): Tensor;
  range(from: number, to: number, step: number, dtype: 'int32'): Tensor;
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  transpose(x: Tensor, perm: readonly number[]): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;
  mean(x: Tensor, axis: number, keepDims: boolean): Tensor;
}

/** tfjs-backend-wasm. */
export async function openTfjs(albert: Albert): Promise<Peer> {
  // Not literals, so that TypeScript does not look for the packages.
  const [core, backend] = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm'];
  const tf: Tfjs = (await import(core)).default;
  (await import(backend)).default.setThreadsCount(1);
  await tf.setBackend('wasm');
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) throw new Error('tfjs-backend-wasm runs without SIMD here');
  const forward = albertForward(tf, albert);
  return {
    name: 'tfjs-backend-wasm',
    prepare: (ids, shape) => async () => {
      const state = tf.tidy(() => forward(ids, shape));
      const data = await state.data();
      state.dispose();
      return data;
    },
    release: async () => tf.removeBackend('wasm'),
  };
}

/** The last hidden state of ids without padding, (batch · seq, hidden). The weights are tensors from here on. */
function albertForward(tf: Tfjs, { config, tensors }: Albert): (ids: Int32Array, shape: Shape) => Tensor {
  const { hidden_size: hidden, num_attention_heads: heads, num_hidden_layers: layers } = config;
  const headDim = hidden / heads;
  const constant = (name: string) => {
    const { data, shape } = tensors.get(name) as { data: Float32Array; shape: readonly number[] };
    return tf.tensor(data, shape);
  };
  const layerNorm = (name: string) => {
    const [scale, bias] = [constant(`${name}.weight`), constant(`${name}.bias`)];
    const eps = tf.scalar(config.layer_norm_eps);
    return (x: Tensor) => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const deviation = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps));
      return tf.add(tf.mul(tf.mul(centred, deviation), scale), bias);
    };
  };
  const linear = (name: string) => {
    const { inputs, outputs, kernel } = kernelOf({ config, tensors }, name);
    const [b, bias] = [tf.tensor(kernel, [inputs, outputs]), constant(`${name}.bias`)];
    return (a: Tensor) => tf.fused.matMul({ a, b, bias });
  };
  const [words, types, positions] = ['word', 'token_type', 'position'].map((kind) =>
    constant(`embeddings.${kind}_embeddings.weight`),
  ) as [Tensor, Tensor, Tensor];
  const embeddingNorm = layerNorm('embeddings.LayerNorm');
  const mapping = linear('encoder.embedding_hidden_mapping_in');
  const [query, key, value, dense] = ['query', 'key', 'value', 'dense'].map((name) =>
    linear(`${LAYER}.attention.${name}`),
  ) as [Linear, Linear, Linear, Linear];
  const [ffn, ffnOutput] = [linear(`${LAYER}.ffn`), linear(`${LAYER}.ffn_output`)];
  const [attentionNorm, fullNorm] = [
    layerNorm(`${LAYER}.attention.LayerNorm`),
    layerNorm(`${LAYER}.full_layer_layer_norm`),
  ];
  const pooler = linear('pooler');
  const scoreScale = tf.scalar(1 / Math.sqrt(headDim));

  // x · sigmoid(2u), equal to 0.5 · x · (1 + tanh(u)) and two passes shorter; u = sqrt(2 / π) · (x + 0.044715 · x³).
  const root = 2 * Math.sqrt(2 / Math.PI);
  const [linearTerm, cubicTerm] = [tf.scalar(root), tf.scalar(root * 0.044715)];
  const geluNew = (x: Tensor) => tf.mul(x, tf.sigmoid(tf.mul(x, tf.add(tf.mul(tf.square(x), cubicTerm), linearTerm))));

  return (ids, { batch, seq }) => {
    const tokens = batch * seq;
    const split = (x: Tensor) => tf.transpose(tf.reshape(x, [batch, seq, heads, headDim]), [0, 2, 1, 3]);
    const maskBias = tf.tensor(new Float32Array(tokens), [batch, 1, 1, seq]);
    const embeddings = tf.add(
      tf.gather(words, tf.tensor(ids, [batch, seq], 'int32')),
      tf.gather(types, tf.tensor(new Int32Array(tokens), [batch, seq], 'int32')),
    );
    const placed = tf.add(embeddings, tf.slice(positions, [0, 0], [seq, -1]));
    let x = mapping(tf.reshape(embeddingNorm(placed), [tokens, -1]));
    const layer = (input: Tensor) => {
      const scores = tf.matMul(split(query(input)), split(key(input)), false, true);
      const probs = tf.softmax(tf.add(tf.mul(scores, scoreScale), maskBias));
      const context = tf.matMul(probs, split(value(input)), false, false);
      const merged = tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [tokens, hidden]);
      const attended = attentionNorm(tf.add(dense(merged), input));
      return fullNorm(tf.add(ffnOutput(geluNew(ffn(attended))), attended));
    };
    // Each layer gives its intermediates back: those of all twelve are 1.3 GB at 8x128.
    for (let i = 0; i < layers; i++) x = tf.tidy(() => layer(x));
    // The pooled output is not read, but every peer computes it.
    tf.tanh(pooler(tf.reshape(tf.slice(tf.reshape(x, [batch, seq, hidden]), [0, 0, 0], [-1, 1, -1]), [batch, hidden])));
    return x;
  };
}

type Linear = (a: Tensor) => Tensor;
