/** Activations on their way into an int8 product: each row by its own largest magnitude. */
import { GROUP, LEAST, ROUND, ROUND_BITS, ZERO_POINT, depthOf } from "./i8-panel";

/** Bytes of one quantised activation. */
export const ACTIVATION_BYTES: i32 = ASC_FEATURE_RELAXED_SIMD ? 1 : 2;

/** Most levels on either side of zero: more cost nothing where products are of int16, and buy nothing beyond 12 bits. */
const MOST_LEVELS: i32 = ASC_FEATURE_RELAXED_SIMD ? 63 : 4095;

/** Levels on either side of zero for k products: their sum, with weights of 127, is to stay an int32. */
// @ts-ignore: decorator
@inline
function levelsOf(k: i32): i32 {
  return min(MOST_LEVELS, i32.MAX_VALUE / (127 * k));
}

/** Bytes of one quantised row of k. */
// @ts-ignore: decorator
@inline
export function quantizedBytes(k: i32): usize {
  return <usize>depthOf(k) * ACTIVATION_BYTES;
}

/**
 * Quantises m rows of k float32, `lda` bytes apart: scales[i] · (out[i][p] - zero point) is nearest to a[i][p], ties to
 * even. Rows of `out` lie next to each other, padded to a multiple of 4 with the zero point. A row that holds a NaN or an
 * infinity gets it as its scale.
 */
export function quantizeRows(a: usize, lda: usize, out: usize, scales: usize, m: i32, k: i32): void {
  assert(k > 0 && k <= 1 << 17 && lda >= <usize>k * 4);
  const levels = <f32>levelsOf(k);
  while (m > 0) {
    const largest = largestMagnitude(a, k);
    const zero = largest < LEAST;
    store<f32>(scales, zero ? 0 : largest / levels);
    quantizeRow(a, out, k, zero ? 0 : levels / largest);
    a += lda;
    out += quantizedBytes(k);
    scales += 4;
    m--;
  }
}

/** Compared as integers, magnitudes order alike; a NaN is above infinity and cannot be lost, as it can in pmax. */
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

function quantizeRow(a: usize, out: usize, k: i32, inverse: f32): void {
  const scale = f32x4.splat(inverse), round = f32x4.splat(ROUND), offset = i32x4.splat(ROUND_BITS - ZERO_POINT);
  const end = out + quantizedBytes(k);
  while (k >= 8) {
    const v0 = i32x4.sub(f32x4.add(f32x4.mul(v128.load(a), scale), round), offset);
    const v1 = i32x4.sub(f32x4.add(f32x4.mul(v128.load(a, 16), scale), round), offset);
    const v = i16x8.narrow_i32x4_s(v0, v1);
    if (GROUP == 4) v128.store64_lane(out, i8x16.narrow_i16x8_u(v, v), 0);
    else v128.store(out, v);
    a += 32;
    out += 8 * ACTIVATION_BYTES;
    k -= 8;
  }
  while (out < end) {
    const value = k > 0 ? reinterpret<i32>(load<f32>(a) * inverse + ROUND) - (ROUND_BITS - ZERO_POINT) : ZERO_POINT;
    if (GROUP == 4) store<u8>(out, <u8>value);
    else store<i16>(out, <i16>value);
    a += 4;
    out += ACTIVATION_BYTES;
    k--;
  }
}
