/** Vector operations that the kernels share: multiply-add, horizontal sums, the lanes of a row's last vector. */

export { LANES, PANEL_ROW_BYTES, padded } from "./layout";

/** a · b + c. Fused where the build has relaxed SIMD: one rounding instead of two, one instruction instead of two. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** Sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  v = f32x4.add(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  v = f32x4.add(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2));
  return f32x4.extract_lane(v, 0);
}

/** Largest of the four lanes. */
// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  v = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  v = f32x4.pmax(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2));
  return f32x4.extract_lane(v, 0);
}

// Row r selects the first r lanes.
const TAIL_MASKS: usize = memory.data<u32>([
  0, 0, 0, 0,
  0xffffffff, 0, 0, 0,
  0xffffffff, 0xffffffff, 0, 0,
  0xffffffff, 0xffffffff, 0xffffffff, 0,
], 16);

/** A mask of the first `n % 4` lanes: those of a row's last, partial vector that hold real columns. */
// @ts-ignore: decorator
@inline
export function tailMask(n: i32): v128 {
  return v128.load(TAIL_MASKS + ((<usize>n & 3) << 4));
}
