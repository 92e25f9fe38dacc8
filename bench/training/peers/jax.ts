/** The feed-forward block in jax-js on its WebAssembly backend: in Node a single thread, since Node has no `Worker`. */
import type { FeedForwardPeer, Gradients, Problem } from '../problem.js';

/** As much of jax-js as is used here; the package need not be there to compile this. Operations take over their operands: `ref` keeps one. */
interface Tensor {
  readonly ref: Tensor;
  add(other: Tensor): Tensor;
  sub(other: Tensor): Tensor;
  mul(factor: number): Tensor;
  sum(): Tensor;
  reshape(shape: readonly number[]): Tensor;
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Parameters = Record<'x' | 'w1' | 'b1' | 'w2' | 'b2', Tensor>;
type Loss = (parameters: Parameters, target: Tensor) => Tensor;
type LossAndGradients = (parameters: Parameters, target: Tensor) => [Tensor, Parameters];
interface Jax {
  readonly numpy: {
    array(data: Float32Array): Tensor;
    matmul(a: Tensor, b: Tensor): Tensor;
    square(x: Tensor): Tensor;
  };
  readonly nn: { gelu(x: Tensor, options: { approximate: boolean }): Tensor };
  init(device: string): Promise<readonly string[]>;
  defaultDevice(device: string): void;
  valueAndGrad(loss: Loss): LossAndGradients;
  jit(run: LossAndGradients): LossAndGradients;
  blockUntilReady(tensors: readonly Tensor[]): Promise<unknown>;
}

/** jax-js as it comes, and compiled by its `jit`. */
export async function openJax(): Promise<FeedForwardPeer[]> {
  // Its WebAssembly backend reads `navigator.userAgent`, which Node 20 lacks.
  if (globalThis.navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Node' }, configurable: true });
  }
  // Not a literal, so that TypeScript does not look for the package.
  const name = '@jax-js/jax';
  const jax: Jax = await import(name);
  if (!(await jax.init('wasm')).includes('wasm')) throw new Error('jax-js has no WebAssembly backend here');
  jax.defaultDevice('wasm');
  const { numpy: np, nn } = jax;
  const loss: Loss = ({ x, w1, b1, w2, b2 }, target) => {
    const inner = nn.gelu(np.matmul(x, w1).add(b1), { approximate: true });
    return np.square(np.matmul(inner, w2).add(b2).sub(target)).sum().mul(0.5);
  };
  const eager = jax.valueAndGrad(loss);
  return [peer('jax-js', jax, eager), peer('jax-js, jit', jax, jax.jit(eager))];
}

function peer(name: string, { numpy: np, blockUntilReady }: Jax, lossAndGradients: LossAndGradients): FeedForwardPeer {
  return {
    name,
    prepare({ tokens, hidden, intermediate, ...arrays }: Problem) {
      const matrix = (data: Float32Array, columns: number) => np.array(data).reshape([data.length / columns, columns]);
      const x = matrix(arrays.x, hidden);
      const target = matrix(arrays.target, hidden);
      const [w1, w2] = [matrix(arrays.w1, intermediate), matrix(arrays.w2, hidden)];
      const [b1, b2] = [np.array(arrays.b1), np.array(arrays.b2)];
      const compute = async () => {
        const parameters = { x: x.ref, w1: w1.ref, b1: b1.ref, w2: w2.ref, b2: b2.ref };
        const [loss, gradients] = lossAndGradients(parameters, target.ref);
        await blockUntilReady([loss, ...Object.values(gradients)]);
        return { loss, ...gradients };
      };
      return {
        async run() {
          for (const tensor of Object.values(await compute())) tensor.dispose();
        },
        async gradients(): Promise<Gradients> {
          // `data` takes over its tensor.
          const { loss, ...gradients } = await compute();
          const [value] = await loss.data();
          const read = { loss: value as number } as Record<keyof Gradients, unknown>;
          for (const [key, tensor] of Object.entries(gradients)) read[key as keyof Gradients] = await tensor.data();
          return read as Gradients;
        },
        async release() {
          for (const tensor of [x, target, w1, w2, b1, b2]) tensor.dispose();
        },
      };
    },
  };
}
