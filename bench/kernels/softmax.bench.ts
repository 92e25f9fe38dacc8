/** Softmax over the scores of one layer's heads. */
import type { Engine } from '../../src/engine/engine.js';
import { fillUniform } from '../numbers.js';
import { type KernelBench, within } from './suite.js';

const HEADS = 12;
const SEQ = 128;
const ROWS = HEADS * SEQ;

/** Largest relative error: exp's 1.8e-7, its argument's rounding (8 · 2⁻²⁴) and a sum of 128. */
const TOLERANCE = 2e-6;

export const benches: readonly KernelBench[] = [
  {
    name: `softmax ${HEADS}x${SEQ}x${SEQ}`,
    dtype: 'float32',
    work: { unit: 'element', count: ROWS * SEQ },
    prepare(engine: Engine) {
      const region = engine.memory.region();
      const x = region.matrix(ROWS, SEQ);
      engine.memory.claim(region);
      const values = fillUniform(engine.memory.f32(x.address, ROWS * SEQ), 4, -4, 4);
      const softmax = () => engine.kernels.softmax(x.address, x.stride, ROWS, SEQ);
      return {
        check() {
          const before = values.slice();
          softmax();
          for (let row = 0; row < ROWS; row++) {
            const exps = Array.from(before.subarray(row * SEQ, (row + 1) * SEQ), Math.exp);
            const sum = exps.reduce((total, e) => total + e, 0);
            exps.forEach((e, i) => {
              within(values[row * SEQ + i] as number, e / sum, TOLERANCE * (e / sum), `softmax [${row}, ${i}]`);
            });
          }
        },
        // In place, over and over: the rows become uniform, and the kernel has no branch that would notice.
        run() {
          softmax();
          return values[0] as number;
        },
      };
    },
  },
];
