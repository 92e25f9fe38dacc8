/** gelu_new over the feed-forward's activations. */
import type { Engine } from '../../src/engine/engine.js';
import { ACTIVATIONS } from '../../src/engine/kernels.js';
import { fillUniform } from '../numbers.js';
import { type KernelBench, within } from './suite.js';

const ROWS = 128;
const COLS = 3072;

/** gelu_new in float64 (Hendrycks and Gimpel 2016, the tanh form). */
export function geluNew(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

export const benches: readonly KernelBench[] = [
  {
    name: `gelu_new ${ROWS}x${COLS}`,
    dtype: 'float32',
    work: { unit: 'element', count: ROWS * COLS },
    prepare(engine: Engine) {
      const region = engine.memory.region();
      const x = region.matrix(ROWS, COLS);
      engine.memory.claim(region);
      const values = fillUniform(engine.memory.f32(x.address, ROWS * COLS), 5, -4, 4);
      const gelu = () => engine.kernels.activate(x.address, x.stride, ROWS, COLS, ACTIVATIONS.indexOf('gelu_new'));
      return {
        check() {
          const before = values.slice();
          gelu();
          before.forEach((value, i) => {
            within(values[i] as number, geluNew(value), 1e-6 * Math.abs(value), `gelu_new(${value})`);
          });
          // From here on gelu_new(x) is x. Others would sink, run by run, into the slow subnormal numbers.
          fillUniform(values, 5, 6, 8);
        },
        run() {
          gelu();
          return values[0] as number;
        },
      };
    },
  },
];
