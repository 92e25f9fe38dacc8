/** The feed-forward block in TensorFlow.js on its WebAssembly backend: SIMD, one thread, gradients by its `grads`. */
import { createRequire } from 'node:module';
import type { FeedForwardPeer, Gradients, Problem } from '../problem.js';

/** As much of tfjs-core as is used here; the packages need not be there to compile this. */
interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Tfjs {
  readonly fused: { matMul(operands: { a: Tensor; b: Tensor; bias: Tensor }): Tensor };
  env(): { getAsync(flag: string): Promise<boolean | number> };
  setBackend(name: string): Promise<boolean>;
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  scalar(value: number): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  sub(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  square(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  sum(x: Tensor): Tensor;
  valueAndGrads(loss: (...x: Tensor[]) => Tensor): (x: readonly Tensor[]) => { value: Tensor; grads: Tensor[] };
}

export async function openTfjs(): Promise<FeedForwardPeer> {
  // Not literals, so that TypeScript does not look for the packages.
  const [core, backend] = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm'];
  const tf: Tfjs = (await import(core)).default;
  // A part that registers itself; its files name folders, which `import` does not resolve.
  createRequire(import.meta.url)(`${core}/dist/register_all_gradients.js`);
  (await import(backend)).default.setThreadsCount(1);
  const before = process.listeners('uncaughtException');
  await tf.setBackend('wasm');
  // Its listener prints 60 KB of its own source before any error.
  for (const listener of process.listeners('uncaughtException')) {
    if (!before.includes(listener)) process.off('uncaughtException', listener);
  }
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) throw new Error('tfjs-backend-wasm runs without SIMD here');

  // x · sigmoid(2u) = 0.5 · x · (1 + tanh(u)); u = sqrt(2 / π) · (x + 0.044715 · x³).
  const root = 2 * Math.sqrt(2 / Math.PI);
  const [linearTerm, cubicTerm, half] = [tf.scalar(root), tf.scalar(root * 0.044715), tf.scalar(0.5)];
  const geluNew = (x: Tensor) => tf.mul(x, tf.sigmoid(tf.mul(x, tf.add(tf.mul(tf.square(x), cubicTerm), linearTerm))));

  return {
    name: 'tfjs-backend-wasm',
    prepare({ tokens, hidden, intermediate, ...arrays }: Problem) {
      const target = tf.tensor(arrays.target, [tokens, hidden]);
      const parameters = [
        tf.tensor(arrays.x, [tokens, hidden]),
        tf.tensor(arrays.w1, [hidden, intermediate]),
        tf.tensor(arrays.b1, [intermediate]),
        tf.tensor(arrays.w2, [intermediate, hidden]),
        tf.tensor(arrays.b2, [hidden]),
      ];
      const lossAndGradients = tf.valueAndGrads((...tensors) => {
        const [x, w1, b1, w2, b2] = tensors as [Tensor, Tensor, Tensor, Tensor, Tensor];
        const inner = geluNew(tf.fused.matMul({ a: x, b: w1, bias: b1 }));
        const output = tf.fused.matMul({ a: inner, b: w2, bias: b2 });
        return tf.mul(tf.sum(tf.square(tf.sub(output, target))), half);
      });
      return {
        async run() {
          const { value, grads } = lossAndGradients(parameters);
          for (const tensor of [value, ...grads]) tensor.dispose();
        },
        async gradients(): Promise<Gradients> {
          const { value, grads } = lossAndGradients(parameters);
          const [loss, x, w1, b1, w2, b2] = await Promise.all([value, ...grads].map((tensor) => tensor.data()));
          for (const tensor of [value, ...grads]) tensor.dispose();
          return { loss: loss?.[0], x, w1, b1, w2, b2 } as Gradients;
        },
        async release() {
          for (const tensor of [target, ...parameters]) tensor.dispose();
        },
      };
    },
  };
}
