/** What the int8 kernels should answer, bit for bit: quantisation, panels, and sums of integers. */
import type { Kernels } from '../../src/engine/kernels.js';
import { ACTIVATION_RANGES, type ActivationRange } from '../../src/engine/schemes.js';
import { padded } from './arena.js';

/** How a build quantises activations: 7 or 8 bits from lowest to highest with relaxed SIMD, 13 bits around 0 without. */
export interface Format {
  readonly group: number;
  /** Whether panels hold the columns' sums. */
  readonly sums: boolean;
  readonly bytes: number;
  /** Rows of k numbers that lie one after the other; what is stored of a value is its zero point more. */
  rows(x: Float32Array, k: number): Quantized & { readonly zeros: Int32Array };
}

const PLAIN: Format = {
  group: 2,
  sums: false,
  bytes: 2,
  rows: (x, k) => ({ ...quantize(x, k, plainLevels(k)), zeros: new Int32Array(x.length / k) }),
};

/** A range of so many bits, if relaxed SIMD has them. */
export function rangeOf(bits: number | undefined): ActivationRange {
  return bits === 8 ? (ACTIVATION_RANGES[0] as ActivationRange) : SEVEN_BITS;
}

export const SEVEN_BITS = { lowest: 0, highest: 127 } as const;

/** Relaxed SIMD's, for levels of a range. */
function relaxed(range: ActivationRange): Format {
  return { group: 4, sums: true, bytes: 1, rows: (x, k) => quantizeRange(x, k, range) };
}

/** Levels on either side of zero of plain SIMD's activations. */
export function plainLevels(k: number): number {
  return Math.min(4095, Math.floor((2 ** 31 - 1) / (127 * k)));
}

export function formatOf({ relaxedSimd }: Kernels): Format {
  return relaxedSimd.value ? relaxed(SEVEN_BITS) : PLAIN;
}

/** The builds' formats by name; relaxed SIMD's for this range. */
export function formatsOf(range: ActivationRange) {
  return { debug: PLAIN, simd: PLAIN, relaxed: relaxed(range), scalar: PLAIN, javascript: PLAIN } as const;
}

/** The formats with relaxed SIMD's promised range. */
export const FORMATS = formatsOf(SEVEN_BITS);

/** k as panels and quantised rows hold it. */
export function depthOf(k: number): number {
  return (k + 3) & ~3;
}

/** The nearest integer, ties to even. */
export function nearestEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

export interface Quantized {
  /** Vector after vector. */
  readonly values: Int32Array;
  /** One a vector. */
  readonly scales: Float32Array;
}

/** Quantises vectors of k numbers that lie one after the other, each by its largest magnitude. */
export function quantize(x: Float32Array, k: number, levels: number): Quantized {
  const scales = new Float32Array(x.length / k);
  const values = new Int32Array(x.length);
  for (let i = 0; i < scales.length; i++) {
    const vector = x.subarray(i * k, i * k + k);
    const largest = vector.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    if (largest < 2 ** -100) continue;
    const inverse = Math.fround(levels / largest);
    scales[i] = largest / levels;
    values.set(
      vector.map((v) => nearestEven(Math.fround(v * inverse))),
      i * k,
    );
  }
  return { values, scales };
}

/**
 * Quantises vectors of k numbers. Equal steps divide the interval that holds zero and all numbers of a vector. There is one step less
 * than the range has, and fewer if sums of k products would overflow.
 */
function quantizeRange(
  x: Float32Array,
  k: number,
  { lowest, highest }: ActivationRange,
): Quantized & { readonly zeros: Int32Array } {
  const steps = Math.min(highest - lowest - 1, Math.floor((2 ** 31 - 1) / (127 * k)));
  const [scales, zeros] = [new Float32Array(x.length / k), new Int32Array(x.length / k)];
  const values = new Int32Array(x.length);
  for (let i = 0; i < scales.length; i++) {
    const vector = x.subarray(i * k, i * k + k);
    const [low, high] = [
      vector.reduce((least, v) => Math.min(least, v), 0),
      vector.reduce((most, v) => Math.max(most, v), 0),
    ];
    if (Math.max(-low, high) < 2 ** -100) continue;
    scales[i] = Math.fround(high / steps) - Math.fround(low / steps);
    const inverse = Math.fround(1 / scales[i]!);
    zeros[i] = nearestEven(Math.fround(-low * inverse)) + lowest;
    values.set(
      vector.map((v) => nearestEven(Math.fround(v * inverse))),
      i * k,
    );
  }
  return { values, scales, zeros };
}

/** The n columns of a dense (k, n) matrix, one after the other. */
export function columnsOf(b: Float32Array, k: number, n: number): Float32Array {
  return b.map((_, i) => b[(i % k) * n + Math.floor(i / k)]!);
}

/** Columns of k numbers, each stretch by its largest magnitude. */
export function quantizeStretches(x: Float32Array, k: number, stretch: number): Quantized[] {
  const columns = x.length / k;
  return Array.from({ length: Math.ceil(k / stretch) }, (_, s) => {
    const depth = Math.min(stretch, k - s * stretch);
    const part = new Float32Array(columns * depth);
    for (let j = 0; j < columns; j++) part.set(x.subarray(j * k + s * stretch, j * k + s * stretch + depth), j * depth);
    return quantize(part, depth, 127);
  });
}

/** The product of stretches: each sum is exact, and added to those before it. */
export function gemmI8Stretches(
  a: Float32Array,
  columns: readonly Quantized[],
  bias: Float32Array,
  k: number,
  { rows }: Format,
): Float32Array {
  const m = a.length / k;
  const n = bias.length;
  let start: Float32Array = new Float32Array(m * n).map((_, i) => bias[i % n]!);
  let from = 0;
  for (const part of columns) {
    const depth = part.values.length / n;
    const left = new Float32Array(m * depth);
    for (let i = 0; i < m; i++) left.set(a.subarray(i * k + from, i * k + from + depth), i * depth);
    start = addProduct(rows(left, depth), part, start, depth);
    from += depth;
  }
  return start;
}

/** Quantised columns as the bytes of panels; what lies in the last panel's free lanes is `filler`. */
export function panelBytes({ values, scales }: Quantized, k: number, format: Format, filler = 0x55): Uint8Array {
  const { group, sums } = format;
  const n = scales.length;
  const stride = 64 + depthOf(k) * 8;
  const bytes = new Uint8Array((padded(n) / 8) * stride).fill(filler);
  const view = new DataView(bytes.buffer);
  for (let column = 0; column < n; column++) {
    const panel = (column >> 3) * stride;
    const lane = column & 7;
    let sum = 0;
    for (let row = 0; row < depthOf(k); row++) {
      const value = row < k ? values[column * k + row]! : 0;
      sum += value;
      view.setInt8(panel + 64 + Math.floor(row / group) * group * 8 + lane * group + (row % group), value);
    }
    view.setFloat32(panel + lane * 4, scales[column]!, true);
    view.setInt32(panel + 32 + lane * 4, sums ? sum : 0, true);
  }
  return bytes;
}

/** a · b + bias of quantised rows and columns. */
export function gemmI8(a: Quantized, b: Quantized, bias: Float32Array, k: number): Float32Array {
  const n = b.scales.length;
  return addProduct(
    a,
    b,
    new Float32Array(a.scales.length * n).map((_, i) => bias[i % n]!),
    k,
  );
}

/** start + a · b: an exact sum, then one rounding for each step that the kernel takes. */
function addProduct(a: Quantized, b: Quantized, start: Float32Array, k: number): Float32Array {
  const [m, n] = [a.scales.length, b.scales.length];
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a.values[i * k + p]! * b.values[j * k + p]!;
      const scale = Math.fround(a.scales[i]! * b.scales[j]!);
      c[i * n + j] = Math.fround(Math.fround(sum) * scale) + start[i * n + j]!;
    }
  }
  return c;
}
