/**
 * int8 panels: 8 columns of a weight matrix, each with a scale of its own.
 *
 * A panel is 8 float32 scales, 8 int32 starts of the accumulators, then the weights, k in groups as one instruction
 * multiplies them: pairs where int16 are multiplied (plain SIMD), fours where int8 are (relaxed SIMD). Within a group
 * the columns follow one another. k is padded to a multiple of 4 in either case, so a matrix takes the same room.
 */
import { LANES } from "../simd";

/** Consecutive k of one column that one instruction multiplies and adds. */
export const GROUP: i32 = ASC_FEATURE_RELAXED_SIMD ? 4 : 2;

/** What a quantised activation of zero is stored as: relaxed SIMD promises exact products only for 0 to 127. */
export const ZERO_POINT: i32 = ASC_FEATURE_RELAXED_SIMD ? 64 : 0;

/** Where the starts and the weights of a panel begin. */
export const STARTS: usize = 32;
export const HEADER_BYTES: usize = 64;

/** Bytes from one group to the next. */
export const GROUP_BYTES: usize = GROUP * LANES;

/** The largest magnitude of a quantised weight: -128 is left out, so that the range is symmetric. */
const MOST: f32 = 127;

/** Below this largest magnitude the numbers count as zeros: 1 / 2^-100 is still far from overflow. */
export const LEAST: f32 = 7.888609052210118e-31;

/** Added to a number below 2^22 it leaves the nearest integer, ties to even, in the low bits. */
export const ROUND: f32 = 12582912;
export const ROUND_BITS: i32 = 0x4b400000;

/** k as the panels hold it. */
// @ts-ignore: decorator
@inline
export function depthOf(k: i32): i32 {
  return (k + 3) & ~3;
}

/** Bytes of one panel. */
// @ts-ignore: decorator
@inline
export function panelBytesI8(k: i32): usize {
  return HEADER_BYTES + <usize>depthOf(k) * LANES;
}

/** Where the weight (row, lane) lies in a panel. */
// @ts-ignore: decorator
@inline
function offsetOf(row: i32, lane: i32): usize {
  return HEADER_BYTES + <usize>(row / GROUP) * GROUP_BYTES + <usize>(lane * GROUP + row % GROUP);
}

/** The weight (row, lane) of a panel, times its column's scale. */
// @ts-ignore: decorator
@inline
export function weightOf(panel: usize, row: i32, lane: i32): f32 {
  return <f32>(<i32>load<i8>(panel + offsetOf(row, lane))) * load<f32>(panel + (<usize>lane << 2));
}

/** Bytes of a packed (k, n) matrix. */
export function panelsBytesI8(k: i32, n: i32): usize {
  return <usize>((n + LANES - 1) / LANES) * panelBytesI8(k);
}

/**
 * Quantises a float32 (k, n) matrix into panels, from column `first` on, each column by its largest magnitude: what lies
 * halfway goes to the even neighbour. Arguments as for `packF32`; the caller has zeroed the panels.
 */
export function packI8(source: usize, strideK: usize, strideN: usize, panels: usize, k: i32, n: i32, first: i32): void {
  assert(k > 0 && n > 0 && first >= 0);
  for (let column = first; column < first + n; column++) {
    const lane = column % LANES;
    const panel = panels + <usize>(column / LANES) * panelBytesI8(k);
    // Compared as integers, magnitudes order alike, and a NaN is above infinity: it reaches the scale and so the result.
    let bits: i32 = 0;
    for (let row = 0, from = source; row < k; row++, from += strideK) bits = max(bits, load<i32>(from) & i32.MAX_VALUE);
    const largest = reinterpret<f32>(bits);
    const inverse: f32 = largest < LEAST ? 0 : MOST / largest;
    let sum: i32 = 0;
    for (let row = 0, from = source; row < k; row++, from += strideK) {
      const value = reinterpret<i32>(load<f32>(from) * inverse + ROUND) - ROUND_BITS;
      sum += value;
      store<i8>(panel + offsetOf(row, lane), <i8>value);
    }
    store<f32>(panel + (<usize>lane << 2), largest < LEAST ? 0 : largest / MOST);
    store<i32>(panel + STARTS + (<usize>lane << 2), -ZERO_POINT * sum);
    source += strideN;
  }
}

/** Columns `first` to `first + n` of packed panels, one after the other, k float32 each. */
export function unpackI8(panels: usize, k: i32, n: i32, first: i32, target: usize): void {
  assert(k > 0 && n > 0 && first >= 0);
  for (let column = first; column < first + n; column++) {
    const panel = panels + <usize>(column / LANES) * panelBytesI8(k);
    for (let row = 0; row < k; row++) {
      store<f32>(target, weightOf(panel, row, column % LANES));
      target += 4;
    }
  }
}
