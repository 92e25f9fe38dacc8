/** How a kernel is measured: its answer is checked first, then benchmark.js times it, between two looks at the peak. */
import Benchmark from 'benchmark';
import type { Engine } from '../../src/engine/engine.js';
import type { RegisterPeak } from '../peak.js';
import { median, quantile } from '../statistics.js';

/** A kernel at one size, in memory. */
export interface Prepared {
  /** Throws unless the kernel's answer is right; leaves the memory ready to be timed. */
  check(): void;
  /** One run. Returns a number of its result, so that no engine can leave the work out. */
  run(): number;
}

export interface KernelBench {
  readonly name: string;
  /** What one run computes: floating-point operations of matrix products, or elements. */
  readonly work: { readonly unit: 'flop' | 'element'; readonly count: number };
  /** Places the operands above everything in use; the caller releases them. */
  prepare(engine: Engine): Prepared;
}

export interface Measured {
  readonly name: string;
  readonly unit: 'flop' | 'element';
  /** Milliseconds a run: the median and the quartiles. */
  readonly milliseconds: number;
  readonly quartiles: readonly [number, number];
  /** GFLOP/s, or nanoseconds an element. */
  readonly figure: number;
  /** GFLOP/s of the register peak, before and after. */
  readonly peak: number;
  /** Processor time by wall time while it was measured: far below 1, others had the core. */
  readonly busy: number;
  readonly samples: readonly number[];
}

/** Seconds that benchmark.js spends on one kernel. */
const SECONDS = 1;

let sink = 0;

/** Checks and times one kernel. */
export function measure({ name, work, prepare }: KernelBench, engine: Engine, peak: RegisterPeak): Measured {
  const used = engine.memory.used;
  try {
    const { check, run } = prepare(engine);
    check();
    const before = peak.measure();
    const start = performance.now();
    const cpu = process.cpuUsage();
    const samples = time(name, run);
    const { user, system } = process.cpuUsage(cpu);
    const busy = (user + system) / 1000 / (performance.now() - start);
    const around = (before + peak.measure()) / 2;
    const milliseconds = median(samples);
    return {
      name,
      unit: work.unit,
      milliseconds,
      quartiles: [quantile(samples, 0.25), quantile(samples, 0.75)],
      figure: work.unit === 'flop' ? work.count / milliseconds / 1e6 : (milliseconds * 1e6) / work.count,
      peak: around,
      busy,
      samples,
    };
  } finally {
    engine.memory.release(used);
  }
}

/** Milliseconds a run, one number a sample. */
function time(name: string, run: () => number): number[] {
  const fn = () => {
    sink += run();
  };
  const bench = new Benchmark(name, fn, { maxTime: SECONDS });
  bench.run();
  // benchmark.js keeps an error to itself.
  if (bench.error !== undefined) throw bench.error;
  if (Number.isNaN(sink)) throw new Error(`${name} computed NaN`);
  return bench.stats.sample.map((seconds) => seconds * 1000);
}

/** Throws unless |got - expected| <= bound, for an element named by `where`. */
export function within(got: number, expected: number, bound: number, where: string): void {
  if (!(Math.abs(got - expected) <= bound)) {
    throw new Error(`${where} expected ${expected} within ${bound}, got ${got}`);
  }
}
