/** Attention of all heads of one layer, from the projections to the context. */
import type { Engine } from '../../src/engine/engine.js';
import { padded } from '../../src/engine/memory.js';
import { fillUniform } from '../numbers.js';
import { type KernelBench, within } from './suite.js';

const HEADS = 12;
const HEAD_DIM = 64;
const HIDDEN = HEADS * HEAD_DIM;

/** Largest absolute error: a mean of values up to 1, weighted by softmax. */
const TOLERANCE = 1e-6;

/** Query rows of each head that are compared with float64. */
const CHECKED_ROWS = 9;

function attention(seq: number): KernelBench {
  const name = `attention ${HEADS} heads, ${seq}x${HEAD_DIM}`;
  // Two products of (seq, head_dim, seq) a head.
  return { name, dtype: 'float32', work: { unit: 'op', count: HEADS * 2 * (2 * seq * seq * HEAD_DIM) }, prepare };

  function prepare(engine: Engine) {
    const region = engine.memory.region();
    const qkv = region.matrix(seq, 3 * HIDDEN);
    const context = region.matrix(seq, HIDDEN);
    const maskBias = region.take(padded(seq) * 4);
    const scratch = region.take(engine.attentionScratchBytes(seq, HEAD_DIM));
    engine.memory.claim(region);
    const x = fillUniform(engine.memory.f32(qkv.address, seq * 3 * HIDDEN), 10, -1, 1);
    const bias = engine.memory.f32(maskBias, padded(seq)).fill(0);
    const result = engine.memory.f32(context.address, seq * HIDDEN);
    const sequences = [{ start: 0, length: seq, maskBias }];
    const attend = () => engine.attention({ qkv, context, sequences, heads: HEADS, scratch });
    const at = (row: number, column: number) => x[row * 3 * HIDDEN + column] as number;

    /** One row of one head in float64. */
    const expected = (head: number, row: number): number[] => {
      const first = head * HEAD_DIM;
      const exps = Array.from({ length: seq }, (_, key) => {
        let score = 0;
        for (let i = 0; i < HEAD_DIM; i++) score += at(row, first + i) * at(key, HIDDEN + first + i);
        return Math.exp(score / Math.sqrt(HEAD_DIM) + (bias[key] as number));
      });
      const sum = exps.reduce((total, e) => total + e, 0);
      return Array.from({ length: HEAD_DIM }, (_, i) =>
        exps.reduce((total, e, key) => total + (e / sum) * at(key, 2 * HIDDEN + first + i), 0),
      );
    };

    return {
      check() {
        // The last keys are masked, as padding is.
        bias.fill(-1e10, seq - 5);
        attend();
        for (let head = 0; head < HEADS; head++) {
          for (let n = 0; n < CHECKED_ROWS; n++) {
            const row = Math.round((n / (CHECKED_ROWS - 1)) * (seq - 1));
            expected(head, row).forEach((value, i) => {
              const got = result[row * HIDDEN + head * HEAD_DIM + i] as number;
              within(got, value, TOLERANCE, `${name} [${head}, ${row}, ${i}]`);
            });
          }
        }
        bias.fill(0);
      },
      run() {
        attend();
        return result[0] as number;
      },
    };
  }
}

export const benches: readonly KernelBench[] = [attention(128), attention(512)];
