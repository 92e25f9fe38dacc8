/** How a kernel is measured: its answer is checked first, then benchmark.js times it, between two looks at the peak. */
import Benchmark from 'benchmark';
import type { Engine } from '../../src/engine/engine.js';
import type { Build } from '../../src/engine/kernels.js';
import type { Dtype } from '../../src/ground/dtypes.js';
import { RegisterPeak } from '../peak.js';
import { processorTime } from '../processor-time.js';
import { median, quartiles } from '../statistics.js';

/** A kernel at one size, in memory. */
export interface Prepared {
  /** Throws unless the kernel's answer is right; leaves the memory ready to be timed. */
  check(): void;
  /** One run. Returns a number of its result, so that no engine can leave the work out. */
  run(): number;
}

export interface KernelBench {
  readonly name: string;
  /** What it multiplies: which peak it is a share of. */
  readonly dtype: Dtype;
  /** What one run computes: operations of matrix products, or elements. */
  readonly work: { readonly unit: 'op' | 'element'; readonly count: number };
  /** Places the operands above everything in use; the caller releases them. */
  prepare(engine: Engine): Prepared;
}

export interface Measured {
  readonly name: string;
  readonly dtype: Dtype;
  readonly unit: 'op' | 'element';
  /** Milliseconds a run: the median and the quartiles. */
  readonly milliseconds: number;
  readonly quartiles: readonly [number, number];
  /** Gop/s, or nanoseconds an element. */
  readonly figure: number;
  /** Gop/s of the register peak, before and after. */
  readonly peak: number;
  /** Processor time by wall time while it was measured: far below 1, others had the core. NaN in a browser. */
  readonly busy: number;
  readonly samples: readonly number[];
}

let sink = 0;

export type Peaks = Readonly<Record<Dtype, RegisterPeak>>;

export function peaksOf(build: Build): Peaks {
  return { float32: new RegisterPeak(build, 'float32'), int8: new RegisterPeak(build, 'int8') };
}

/** Checks and times one kernel, for so many seconds. */
export function measure(
  { name, dtype, work, prepare }: KernelBench,
  engine: Engine,
  peaks: Peaks,
  seconds: number,
): Measured {
  const peak = peaks[dtype];
  const used = engine.memory.used;
  try {
    const { check, run } = prepare(engine);
    check();
    const before = peak.measure();
    const start = performance.now();
    const cpu = processorTime();
    const samples = time(name, run, seconds);
    const busy = (processorTime() - cpu) / (performance.now() - start);
    const around = (before + peak.measure()) / 2;
    const milliseconds = median(samples);
    return {
      name,
      dtype,
      unit: work.unit,
      milliseconds,
      quartiles: quartiles(samples),
      figure: work.unit === 'op' ? work.count / milliseconds / 1e6 : (milliseconds * 1e6) / work.count,
      peak: around,
      busy,
      samples,
    };
  } finally {
    engine.memory.release(used);
  }
}

/** Milliseconds a run, one number a sample. */
function time(name: string, run: () => number, seconds: number): number[] {
  const fn = () => {
    sink += run();
  };
  const bench = new Benchmark(name, fn, { maxTime: seconds });
  bench.run();
  // benchmark.js keeps an error to itself.
  if (bench.error !== undefined) throw bench.error;
  if (Number.isNaN(sink)) throw new Error(`${name} computed NaN`);
  return bench.stats.sample.map((sample) => sample * 1000);
}

/** Throws unless |got - expected| <= bound, for an element named by `where`. */
export function within(got: number, expected: number, bound: number, where: string): void {
  if (!(Math.abs(got - expected) <= bound)) {
    throw new Error(`${where} expected ${expected} within ${bound}, got ${got}`);
  }
}
