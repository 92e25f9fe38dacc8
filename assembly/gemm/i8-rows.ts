/**
 * The rows of activations of an int8 product, quantised one by one. Plain SIMD: symmetric, by the row's largest magnitude.
 * Relaxed SIMD: from the row's lowest number to its highest, which halves the step size for a GELU's outputs; to the levels that
 * the caller gives, since machines differ in the levels that they multiply exactly.
 */
import { madd, maxLanes, sumLanes } from "../simd";
import { GROUP, MIN_MAGNITUDE, ROUND, ROUND_BITS, SHIFTED, depthOf } from "./i8-panel";

/** Bytes of one quantised activation. */
export const ACTIVATION_BYTES: i32 = SHIFTED ? 1 : 2;

/** Levels on either side of zero, at most: int16 products would allow more, but beyond 12 bits they gain nothing. */
const MAX_LEVELS: i32 = 4095;

/** The largest level for sums of k products, at most `most`: with weights of 127, each sum must fit an int32. */
// @ts-ignore: decorator
@inline
function levelsOf(k: i32, most: i32): i32 {
  return min(most, i32.MAX_VALUE / (127 * k));
}

/** Bytes of one quantised row of k. */
// @ts-ignore: decorator
@inline
export function quantizedBytes(k: i32): usize {
  return <usize>depthOf(k) * ACTIVATION_BYTES;
}

/**
 * Quantises m rows of k float32, `lda` bytes apart: scales[i] · (out[i][p] - zeros[i]) is nearest to a[i][p], ties to even.
 * Rows of `out` are contiguous, padded to a multiple of 4 with the zero point. The scale of a row with a NaN or an infinity
 * is that value.
 *
 * @param lowest with relaxed SIMD, levels lie from here to `highest`: 0 to 127, 0 to 255 or -128 to 127
 */
export function quantizeRows(
  a: usize, lda: usize, out: usize, scales: usize, zeros: usize, m: i32, k: i32, lowest: i32, highest: i32,
): void {
  assert(k > 0 && k <= 1 << 17 && lda >= <usize>k * 4);
  while (m > 0) {
    if (SHIFTED) shiftedRow(a, out, scales, zeros, k, lowest, highest);
    else centredRow(a, out, scales, zeros, k);
    a += lda;
    out += quantizedBytes(k);
    scales += 4;
    zeros += 4;
    m--;
  }
}

function centredRow(a: usize, out: usize, scales: usize, zeros: usize, k: i32): void {
  const levels = <f32>levelsOf(k, MAX_LEVELS);
  const largest = largestMagnitude(a, k);
  const zero = largest < MIN_MAGNITUDE;
  store<f32>(scales, zero ? 0 : largest / levels);
  store<i32>(zeros, 0);
  quantizeRow(a, out, k, zero ? 0 : levels / largest, 0);
}

function shiftedRow(a: usize, out: usize, scales: usize, zeros: usize, k: i32, lowest: i32, highest: i32): void {
  // Even with the zero point and the number both rounded up, no level exceeds the highest.
  const steps = <f32>levelsOf(k, highest - lowest - 1);
  // One pass finds both ends of the range. A product with zero is a number only if the factor is finite.
  const nothing = f32x4.splat(0);
  let low0 = nothing, low1 = nothing, high0 = nothing, high1 = nothing, check0 = nothing, check1 = nothing;
  let p = a, n = k;
  while (n >= 16) {
    const x0 = v128.load(p), x1 = v128.load(p, 16), x2 = v128.load(p, 32), x3 = v128.load(p, 48);
    low0 = f32x4.pmin(low0, f32x4.pmin(x0, x2)); low1 = f32x4.pmin(low1, f32x4.pmin(x1, x3));
    high0 = f32x4.pmax(high0, f32x4.pmax(x0, x2)); high1 = f32x4.pmax(high1, f32x4.pmax(x1, x3));
    check0 = madd(x0, nothing, check0); check1 = madd(x1, nothing, check1);
    check0 = madd(x2, nothing, check0); check1 = madd(x3, nothing, check1);
    p += 64;
    n -= 16;
  }
  let high = maxLanes(f32x4.pmax(high0, high1)), low = -maxLanes(f32x4.neg(f32x4.pmin(low0, low1)));
  let check = sumLanes(f32x4.add(check0, check1));
  while (n > 0) {
    const x = load<f32>(p);
    high = max(high, x);
    low = min(low, x);
    check += x * 0;
    p += 4;
    n--;
  }
  let scale: f32 = 0, inverse: f32 = 0, zero = 0;
  if (check != 0) {
    scale = largestMagnitude(a, k);
  } else if (max(high, -low) >= MIN_MAGNITUDE) {
    // Divided before subtracting: the difference of very large numbers would overflow.
    scale = high / steps - low / steps;
    inverse = <f32>1 / scale;
    zero = reinterpret<i32>(-low * inverse + ROUND) - ROUND_BITS + lowest;
  }
  store<f32>(scales, scale);
  store<i32>(zeros, zero);
  quantizeRow(a, out, k, inverse, zero);
}

/** The largest magnitude of a row. Compared as integers, magnitudes keep their order and a NaN is above infinity: pmax may lose it. */
function largestMagnitude(a: usize, k: i32): f32 {
  const magnitude = i32x4.splat(i32.MAX_VALUE);
  let v0 = i32x4.splat(0), v1 = v0;
  while (k >= 8) {
    v0 = i32x4.max_s(v0, v128.and(v128.load(a), magnitude));
    v1 = i32x4.max_s(v1, v128.and(v128.load(a, 16), magnitude));
    a += 32;
    k -= 8;
  }
  v0 = i32x4.max_s(v0, v1);
  v0 = i32x4.max_s(v0, v128.shuffle<i32>(v0, v0, 2, 3, 0, 1));
  v0 = i32x4.max_s(v0, v128.shuffle<i32>(v0, v0, 1, 0, 3, 2));
  let bits = i32x4.extract_lane(v0, 0);
  while (k > 0) {
    bits = max(bits, load<i32>(a) & i32.MAX_VALUE);
    a += 4;
    k--;
  }
  return reinterpret<f32>(bits);
}

/** The levels of eight numbers, as int16. */
// @ts-ignore: decorator
@inline
function levels(a: usize, scale: v128, round: v128, offset: v128): v128 {
  const v0 = i32x4.sub(f32x4.add(f32x4.mul(v128.load(a), scale), round), offset);
  const v1 = i32x4.sub(f32x4.add(f32x4.mul(v128.load(a, 16), scale), round), offset);
  return i16x8.narrow_i32x4_s(v0, v1);
}

function quantizeRow(a: usize, out: usize, k: i32, inverse: f32, zero: i32): void {
  const scale = f32x4.splat(inverse), round = f32x4.splat(ROUND), offset = i32x4.splat(ROUND_BITS - zero);
  // Levels below zero keep their bits.
  const byte = i16x8.splat(0xff);
  const end = out + quantizedBytes(k);
  while (GROUP == 4 && k >= 16) {
    const v0 = levels(a, scale, round, offset), v1 = levels(a + 32, scale, round, offset);
    v128.store(out, i8x16.narrow_i16x8_u(v128.and(v0, byte), v128.and(v1, byte)));
    a += 64;
    out += 16;
    k -= 16;
  }
  while (k >= 8) {
    const v = levels(a, scale, round, offset);
    if (GROUP == 4) v128.store64_lane(out, i8x16.narrow_i16x8_u(v128.and(v, byte), v), 0);
    else v128.store(out, v);
    a += 32;
    out += 8 * ACTIVATION_BYTES;
    k -= 8;
  }
  while (out < end) {
    const value = k > 0 ? reinterpret<i32>(load<f32>(a) * inverse + ROUND) - (ROUND_BITS - zero) : zero;
    if (GROUP == 4) store<u8>(out, <u8>value);
    else store<i16>(out, <i16>value);
    a += 4;
    out += ACTIVATION_BYTES;
    k--;
  }
}
