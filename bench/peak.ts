/**
 * The most float32 operations a second that this engine gets out of one core: multiply-adds between registers, no memory.
 * Every report quotes its figures as a share of it, measured in the same run, since clocks and neighbours differ.
 */
import { median } from './statistics.js';

/** How the kernels multiply and add: two operations in the `simd` build, one in the `relaxed-simd` build. */
export type Multiply = 'simd' | 'relaxed-simd';

/** Independent values in registers: enough to hide the latency of every instruction, few enough not to spill. */
const VALUES = 12;
const LANES = 4;

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const F32_ADD = 0x92;
const SPLAT = [0xfd, 0x13];
const EXTRACT_LANE_0 = [0xfd, 0x1f, 0];
const VECTOR_ADD = [0xfd, 0xe4, 0x01];
const VECTOR_MUL = [0xfd, 0xe6, 0x01];
const RELAXED_MADD = [0xfd, 0x85, 0x02];

/** An unsigned LEB128 integer. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

/**
 * A module whose only export is `run(turns: i32, x: f32): f32`.
 *
 * Without a fused multiply-add, half of the values are multiplied by x and the other half get x added. A GEMM's
 * products do not wait for its sums either; one chain of both (sum · x + x) waits for itself: 47 GFLOP/s instead of 58.
 */
function moduleBytes(multiply: Multiply): Uint8Array<ArrayBuffer> {
  const [turns, x, factor, first] = [0, 1, 2, 3];
  const step = (value: number, index: number) => {
    const operands = [LOCAL_GET, value, LOCAL_GET, factor];
    if (multiply === 'relaxed-simd') return [...operands, LOCAL_GET, factor, ...RELAXED_MADD, LOCAL_SET, value];
    return [...operands, ...(index % 2 === 0 ? VECTOR_MUL : VECTOR_ADD), LOCAL_SET, value];
  };
  const values = Array.from({ length: VALUES }, (_, i) => first + i);
  const instructions = [
    ...[LOCAL_GET, x, ...SPLAT, LOCAL_SET, factor],
    ...[0x03, 0x40], // loop
    ...values.flatMap(step),
    ...[LOCAL_GET, turns, 0x41, 1, 0x6b, LOCAL_TEE, turns, 0x0d, 0, 0x0b], // turns -= 1; br_if 0; end
    ...[LOCAL_GET, factor, ...EXTRACT_LANE_0],
    ...values.flatMap((value) => [LOCAL_GET, value, ...EXTRACT_LANE_0, F32_ADD]),
    0x0b,
  ];
  const code = [1, ...leb(VALUES + 1), V128, ...instructions];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, I32, F32, 1, F32]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...new TextEncoder().encode('run'), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

export class RegisterPeak {
  readonly #run: (turns: number, x: number) => number;
  readonly #flopsPerTurn: number;

  /** Compiles the loop and runs it until V8 has optimised it. */
  constructor(multiply: Multiply) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(multiply)));
    this.#run = exports.run as (turns: number, x: number) => number;
    const fused = multiply === 'relaxed-simd';
    this.#flopsPerTurn = VALUES * LANES * (fused ? 2 : 1);
    // By x = 1/2 fused sums go to 1; of the others, half stay 0 and half count. The answer shows that the loop ran.
    const expected = 0.5 + (fused ? VALUES : (VALUES / 2) * 50);
    const answer = this.#run(100, 0.5);
    if (answer !== expected) throw new Error(`the peak loop computed ${answer}, not ${expected}`);
    const end = performance.now() + 200;
    while (performance.now() < end) this.#run(10_000, 0.5);
  }

  /** Runs a stretch of 10 to 20 ms and returns its floating-point operations. */
  run(): number {
    const turns = 8_000_000;
    this.#run(turns, 0.5);
    return turns * this.#flopsPerTurn;
  }

  /** GFLOP/s now: the median of `stretches`. */
  measure(stretches = 7): number {
    return median(
      Array.from({ length: stretches }, () => {
        const start = performance.now();
        return this.run() / (performance.now() - start) / 1e6;
      }),
    );
  }
}
