/** The range of activations that int8 products are exact for: each kind of machine, by kernels that multiply as it does. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relaxedSimd } from 'wasm-feature-detect';
import { compileKernels, type Kernels } from '../../src/engine/kernels.js';
import { exactRange, exactRangeOf } from '../../src/engine/probes.js';
import { startRuntime } from '../../src/engine/runtime.js';
import { ACTIVATION_RANGES } from '../../src/engine/schemes.js';
import { depthOf, formatsOf, quantize } from '../assembly/int8.js';

const test = suite('probes');

const [UNSIGNED, SIGNED, SEVEN] = ACTIVATION_RANGES;

/** Adds the products of a group of four weights and four bytes of activations, as `i32x4.relaxed_dot_i8x16_i7x16_add_s` may. */
type Dot = (weights: readonly number[], bytes: readonly number[], sum: number) => number;

const signed = (byte: number) => (byte << 24) >> 24;
const int16 = (x: number) => Math.max(-32_768, Math.min(32_767, x));

/** What processors do. */
const MACHINES: Readonly<Record<string, Dot>> = {
  // vpdpbusd: AVX-VNNI
  unsigned: (w, x, sum) => w.reduce((s, v, i) => s + v * x[i]!, sum),
  // sdot: Arm; vpdpbssd: AVX-VNNI-INT8
  signed: (w, x, sum) => w.reduce((s, v, i) => s + v * signed(x[i]!), sum),
  // vpmaddubsw, vpmaddwd: x64 without VNNI
  saturating: (w, x, sum) => sum + int16(w[0]! * x[0]! + w[1]! * x[1]!) + int16(w[2]! * x[2]! + w[3]! * x[3]!),
  // The same with sums that wrap
  wrapping: (w, x, sum) =>
    sum + (((w[0]! * x[0]! + w[1]! * x[1]!) << 16) >> 16) + (((w[2]! * x[2]! + w[3]! * x[3]!) << 16) >> 16),
  // V8 11.3's baseline compiler
  forgetful: (w, x) => w.reduce((s, v, i) => s + v * x[i]!, 0),
};

/** Kernels of a machine, for the shapes of the probe: dense rows of A, columns of B that are contiguous. */
function kernelsOf(dot: Dot, memory: WebAssembly.Memory) {
  const floats = (at: number, length: number) => new Float32Array(memory.buffer, at, length);
  let columns: ReturnType<typeof quantize>;
  return {
    heapBase: { value: 1024 } as WebAssembly.Global,
    packI8(source, strideK, strideN, _panels, k, n) {
      assert.equal([strideK, strideN], [4, k * 4]);
      columns = quantize(floats(source, k * n), k, 127);
    },
    gemmI8(a, lda, _panels, _bias, c, ldc, m, n, k, _activation, _residual, _ld, _scratch, lowest, highest) {
      assert.equal([lda, ldc, k % 4, depthOf(k)], [k * 4, n * 4, 0, k]);
      const { values, zeros, scales } = formatsOf({ lowest, highest }).relaxed.rows(floats(a, m * k).slice(), k);
      const out = floats(c, m * n);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let [sum, correction] = [0, 0];
          for (let p = 0; p < k; p += 4) {
            const weights = [...columns.values.subarray(j * k + p, j * k + p + 4)];
            const bytes = [...values.subarray(i * k + p, i * k + p + 4)].map((v) => (v + zeros[i]!) & 0xff);
            sum = dot(weights, bytes, sum);
            correction += zeros[i]! * weights.reduce((s, v) => s + v);
          }
          out[i * n + j] = (sum - correction) * scales[i]! * columns.scales[j]!;
        }
      }
    },
  } satisfies Partial<Kernels>;
}

const EXPECTED = { unsigned: UNSIGNED, signed: SIGNED, saturating: SEVEN, wrapping: SEVEN, forgetful: undefined };

for (const [machine, range] of Object.entries(EXPECTED)) {
  test(`${machine}: ${range === undefined ? 'none' : `${range.lowest} to ${range.highest}`}`, () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    assert.is(exactRange(kernelsOf(MACHINES[machine]!, memory), memory), range);
  });
}

const known = await relaxedSimd();
if (!known) console.log('skipped: this machine: this engine has no relaxed SIMD');
(known ? test : test.skip)('this machine: plain and shared memory agree', async () => {
  const [plain, shared] = await Promise.all(
    ['relaxed', 'relaxed-threads'].map((name) => compileKernels(new URL(`../../build/${name}.wasm`, import.meta.url))),
  );
  const range = exactRangeOf(plain!, false);
  assert.is(exactRangeOf(shared!, true), range);
  // Kernels at wasmUrl are probed as the package's own are.
  for (const wasmUrl of [undefined, new URL('../../build/relaxed.wasm', import.meta.url).href]) {
    const { activations } = await startRuntime({ maxMemoryBytes: 2 ** 20, threads: 1, ...(wasmUrl && { wasmUrl }) });
    assert.is(activations, range);
  }
  console.log(`activations of this machine: ${range?.lowest} to ${range?.highest}`);
});

test.run();
