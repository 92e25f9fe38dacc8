/** Layer norm of a layer's output and its residual. */
import type { Engine } from '../../src/engine/engine.js';
import type { Matrix } from '../../src/engine/memory.js';
import { fillUniform } from '../numbers.js';
import { type KernelBench, within } from './suite.js';

const ROWS = 128;
const COLS = 768;
const EPS = 1e-12;

/** Largest absolute error: values of about 2 after sums of 768. */
const TOLERANCE = 2e-6;

export const benches: readonly KernelBench[] = [
  {
    name: `layer norm + residual ${ROWS}x${COLS}`,
    dtype: 'float32',
    work: { unit: 'element', count: ROWS * COLS },
    prepare(engine: Engine) {
      const region = engine.memory.region();
      const [x, residual, out] = [0, 1, 2].map(() => region.matrix(ROWS, COLS)) as [Matrix, Matrix, Matrix];
      const norm = { scale: region.take(COLS * 4), bias: region.take(COLS * 4) };
      engine.memory.claim(region);
      const view = (address: number, length: number) => engine.memory.f32(address, length);
      const xs = fillUniform(view(x.address, ROWS * COLS), 6, -1, 2);
      const residuals = fillUniform(view(residual.address, ROWS * COLS), 7, -1, 2);
      const gamma = fillUniform(view(norm.scale, COLS), 8, 0.8, 1.2);
      const beta = fillUniform(view(norm.bias, COLS), 9, -0.1, 0.1);
      const result = view(out.address, ROWS * COLS);
      const layerNorm = () => engine.layerNorm(x, residual, norm, EPS, out);
      return {
        check() {
          layerNorm();
          for (let row = 0; row < ROWS; row++) {
            const sums = Array.from(
              { length: COLS },
              (_, i) => (xs[row * COLS + i] as number) + (residuals[row * COLS + i] as number),
            );
            const mean = sums.reduce((total, t) => total + t, 0) / COLS;
            const variance = sums.reduce((total, t) => total + (t - mean) ** 2, 0) / COLS;
            sums.forEach((t, i) => {
              const normal = (t - mean) / Math.sqrt(variance + EPS);
              const expected = normal * (gamma[i] as number) + (beta[i] as number);
              within(result[row * COLS + i] as number, expected, TOLERANCE, `layer norm [${row}, ${i}]`);
            });
          }
        },
        run() {
          layerNorm();
          return result[0] as number;
        },
      };
    },
  },
];
