/**
 * The most operations per second that this engine gets out of one core: multiply-adds between registers, no memory. Every
 * report quotes its figures as a share of it, measured in the same run, since clocks and neighbours differ.
 */
import type { Dtype } from '../src/ground/dtypes.js';
import { median } from './statistics.js';

/** Which build of the kernels: two instructions multiply and add in `simd`, one in `relaxed-simd`. */
export type Build = 'simd' | 'relaxed-simd';

/** Independent values in registers: enough to hide the latency of every instruction, few enough not to spill. */
const VALUES = 12;

const [I32, F32, V128] = [0x7f, 0x7d, 0x7b];
const [LOCAL_GET, LOCAL_SET, LOCAL_TEE] = [0x20, 0x21, 0x22];
const [F32_ADD, I32_ADD] = [0x92, 0x6a];
const F32X4 = { splat: [0xfd, 0x13], lane: [0xfd, 0x1f, 0], add: [0xfd, 0xe4, 0x01], mul: [0xfd, 0xe6, 0x01] };
const I32X4 = { splat: [0xfd, 0x11], lane: [0xfd, 0x1b, 0], add: [0xfd, 0xae, 0x01], dotI16: [0xfd, 0xba, 0x01] };
const PAIRWISE_ADD_I16 = [0xfd, 0x7e];
const RELAXED_DOT_I8 = [0xfd, 0x92, 0x02];
const RELAXED_MADD = [0xfd, 0x85, 0x02];
const RELAXED_DOT_I8_ADD = [0xfd, 0x93, 0x02];

const [TURNS, X, FACTOR, FIRST] = [0, 1, 2, 3];

interface Loop {
  readonly type: number;
  readonly lanes: { readonly splat: readonly number[]; readonly lane: readonly number[] };
  readonly add: number;
  /** One turn's instructions on one value. */
  step(value: number, index: number): readonly number[];
  /** Operations of a step, a multiplication and an addition each. */
  readonly ops: number;
  /** A start for every value, and the sum of the values and it after 100 turns: the answer shows that the loop ran. */
  readonly x: number;
  readonly answer: number;
}

const get = (local: number) => [LOCAL_GET, local];
const float = { type: F32, lanes: F32X4, add: F32_ADD, x: 0.5 };
const integer = { type: I32, lanes: I32X4, add: I32_ADD };

/** Of several loops the fastest is the peak. */
const LOOPS: Readonly<Record<Build, Readonly<Record<Dtype, readonly Loop[]>>>> = {
  simd: {
    // Half of the values are multiplied by x and the others get x added, as a GEMM's products do not wait for its sums
    // either; one chain of both (sum · x + x) waits for itself: 47 GFLOP/s instead of 58.
    float32: [
      {
        ...float,
        step: (value, index) => [...get(value), ...get(FACTOR), ...(index % 2 === 0 ? F32X4.mul : F32X4.add)],
        ops: 4,
        answer: 0.5 + (VALUES / 2) * 50.5,
      },
    ],
    // The high half of 65,536 is 1: every turn adds it, times the factor's own.
    int8: [
      {
        ...integer,
        step: (value) => [...get(value), ...get(value), ...get(FACTOR), ...I32X4.dotI16, ...I32X4.add],
        ops: 16,
        x: 2 ** 16,
        answer: 2 ** 16 + VALUES * (2 ** 16 + 100),
      },
    ],
  },
  'relaxed-simd': {
    // By x = 1/2 all go to 1.
    float32: [
      {
        ...float,
        step: (value) => [...get(value), ...get(FACTOR), ...get(FACTOR), ...RELAXED_MADD],
        ops: 8,
        answer: 0.5 + VALUES,
      },
    ],
    // One instruction of the processor's, or several: there, pairs that are summed in a second step take fewer.
    int8: [
      (value: number) => [...get(FACTOR), ...get(FACTOR), ...get(value), ...RELAXED_DOT_I8_ADD],
      (value: number) => [
        ...get(value),
        ...get(value),
        ...get(FACTOR),
        ...RELAXED_DOT_I8,
        ...PAIRWISE_ADD_I16,
        ...I32X4.add,
      ],
    ].map((step) => ({
      ...integer,
      step,
      ops: 32,
      // The highest byte is 1: every turn adds it, times the factor's own.
      x: 2 ** 24,
      answer: 2 ** 24 + VALUES * (2 ** 24 + 100),
    })),
  },
};

/** An unsigned LEB128 integer. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

/** A module whose only export is `run(turns: i32, x: T): T`, T the loop's type. */
function moduleBytes({ type, lanes, add, step }: Loop): Uint8Array<ArrayBuffer> {
  const values = Array.from({ length: VALUES }, (_, i) => FIRST + i);
  const instructions = [
    ...[...get(X), ...lanes.splat, LOCAL_SET, FACTOR],
    ...values.flatMap((value) => [...get(FACTOR), LOCAL_SET, value]),
    ...[0x03, 0x40], // loop
    ...values.flatMap((value, index) => [...step(value, index), LOCAL_SET, value]),
    ...[...get(TURNS), 0x41, 1, 0x6b, LOCAL_TEE, TURNS, 0x0d, 0, 0x0b], // turns -= 1; br_if 0; end
    ...[...get(FACTOR), ...lanes.lane],
    ...values.flatMap((value) => [...get(value), ...lanes.lane, add]),
    0x0b,
  ];
  const code = [1, ...leb(VALUES + 1), V128, ...instructions];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, I32, type, 1, type]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...new TextEncoder().encode('run'), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

/** A loop that has run until V8 optimised it. */
class Compiled {
  readonly #run: (turns: number, x: number) => number;
  readonly #loop: Loop;

  constructor(loop: Loop) {
    this.#loop = loop;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(loop)));
    this.#run = exports.run as (turns: number, x: number) => number;
    const got = this.#run(100, loop.x);
    if (got !== loop.answer) throw new Error(`the peak loop computed ${got}, not ${loop.answer}`);
    const end = performance.now() + 200;
    while (performance.now() < end) this.#run(10_000, loop.x);
  }

  /** Runs a stretch of 7 to 40 ms and returns its operations. */
  run(): number {
    const turns = 8_000_000;
    this.#run(turns, this.#loop.x);
    return turns * VALUES * this.#loop.ops;
  }

  /** Gop/s now: the median of `stretches`. */
  measure(stretches: number): number {
    return median(
      Array.from({ length: stretches }, () => {
        const start = performance.now();
        return this.run() / (performance.now() - start) / 1e6;
      }),
    );
  }
}

export class RegisterPeak {
  readonly #fastest: Compiled;

  /** Compiles the loops of a build's dtype and keeps the fastest. */
  /** @param build scalar loops are held against what SIMD could do */
  constructor(build: Build | 'scalar', dtype: Dtype) {
    const rated = LOOPS[build === 'scalar' ? 'simd' : build][dtype]
      .map((loop) => new Compiled(loop))
      .map((loop) => ({ loop, rate: loop.measure(5) }));
    this.#fastest = rated.reduce((best, one) => (one.rate > best.rate ? one : best)).loop;
  }

  /** Runs a stretch of 7 to 40 ms and returns its operations. */
  run(): number {
    return this.#fastest.run();
  }

  /** Gop/s now: the median of `stretches`. */
  measure(stretches = 7): number {
    return this.#fastest.measure(stretches);
  }
}
