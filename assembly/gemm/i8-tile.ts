/**
 * int8 tiles: a few quantised rows times one panel, held as int32 in registers from the first product to the last.
 *
 * Relaxed SIMD multiplies four int8 pairs and adds the products, in one of two ways. One instruction does it all: V8 compiles it
 * to one instruction on a processor with AVX-VNNI or the like, and to five elsewhere. Or `paired` steps add two products, then
 * four: three instructions elsewhere (on a Zen 4, first-level cache: 90 and 115 Gop/s), and in JavaScriptCore on any processor.
 * For activations of 7 bits both are exact and agree bit for bit, so the host may measure which is faster. Plain SIMD widens the
 * weights to int16 and multiplies pairs. As in the float32 tiles, the loop tests its condition at the top, has an exit after each
 * step, and is followed by plain stores only: `dequantize` is a function of its own.
 */
import { LANES, PANEL_ROW_BYTES } from "../simd";
import { GROUP_BYTES, HEADER_BYTES, SHIFTED, SUMS } from "./i8-panel";

/** The tallest tiles that do not spill: with paired steps and with plain SIMD, each product needs a register of its own. */
const WHOLE_ROWS: i32 = 6;
const PAIRED_ROWS: i32 = 5;
const PLAIN_ROWS: i32 = 4;

/** The tallest tile. */
// @ts-ignore: decorator
@inline
export function tallest(paired: bool): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? (paired ? PAIRED_ROWS : WHOLE_ROWS) : PLAIN_ROWS;
}

/** c + the products of a group, column by column; `ones`, eight times 1, are read by paired steps only. */
// @ts-ignore: decorator
@inline
export function dot(paired: bool, weights: v128, x: v128, c: v128, ones: v128 = x): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return i32x4.add(c, i32x4.dot_i16x8_s(x, weights));
  if (!paired) return i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, x, c);
  // 2 · 127 · 127 still fits an int16. The product with ones adds pairs, as `i32x4.extadd_pairwise_i16x8_s` would, for which
  // JavaScriptCore builds the ones at each use.
  return i32x4.add(c, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(weights, x), ones));
}

const ONES: usize = memory.data<i16>([1, 1, 1, 1, 1, 1, 1, 1], 16);

/** A group of weights of the panel's first four columns. */
// @ts-ignore: decorator
@inline
export function left(weights: usize): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.load(weights) : v128.load_ext<i8>(weights);
}

/** A group of weights of its last four columns. */
// @ts-ignore: decorator
@inline
export function right(weights: usize): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.load(weights, 16) : v128.load_ext<i8>(weights, 8);
}

/** Groups per iteration of the loop. */
const STEPS: i32 = ASC_FEATURE_RELAXED_SIMD ? 1 : 2;

/**
 * c[0..rows) = a[0..rows) · panel, rows of 8 int32. A group of A is 4 bytes in either build. `paired` and `rows` are
 * constants wherever this is inlined.
 */
// @ts-ignore: decorator
@inline
function tile(paired: bool, rows: i32, a0: usize, lda: usize, panel: usize, c: usize, groups: i32): void {
  let c00 = i32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  let a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
  panel += HEADER_BYTES;
  // Read from memory, so that engines keep it in a register: they would build a constant at each use.
  const ones = paired ? v128.load(ONES) : c00;
  while (groups > 0) {
    let b0 = left(panel), b1 = right(panel), x = v128.load32_splat(a0);
    c00 = dot(paired, b0, x, c00, ones); c01 = dot(paired, b1, x, c01, ones);
    if (rows > 1) { x = v128.load32_splat(a1); c10 = dot(paired, b0, x, c10, ones); c11 = dot(paired, b1, x, c11, ones); }
    if (rows > 2) { x = v128.load32_splat(a2); c20 = dot(paired, b0, x, c20, ones); c21 = dot(paired, b1, x, c21, ones); }
    if (rows > 3) { x = v128.load32_splat(a3); c30 = dot(paired, b0, x, c30, ones); c31 = dot(paired, b1, x, c31, ones); }
    if (rows > 4) { x = v128.load32_splat(a4); c40 = dot(paired, b0, x, c40, ones); c41 = dot(paired, b1, x, c41, ones); }
    if (rows > 5) { x = v128.load32_splat(a5); c50 = dot(paired, b0, x, c50, ones); c51 = dot(paired, b1, x, c51, ones); }
    if (STEPS > 1) {
      if (groups == 1) break;
      b0 = left(panel + GROUP_BYTES); b1 = right(panel + GROUP_BYTES); x = v128.load32_splat(a0, 4);
      c00 = dot(paired, b0, x, c00, ones); c01 = dot(paired, b1, x, c01, ones);
      if (rows > 1) { x = v128.load32_splat(a1, 4); c10 = dot(paired, b0, x, c10, ones); c11 = dot(paired, b1, x, c11, ones); }
      if (rows > 2) { x = v128.load32_splat(a2, 4); c20 = dot(paired, b0, x, c20, ones); c21 = dot(paired, b1, x, c21, ones); }
      if (rows > 3) { x = v128.load32_splat(a3, 4); c30 = dot(paired, b0, x, c30, ones); c31 = dot(paired, b1, x, c31, ones); }
    }
    a0 += 4 * STEPS;
    if (rows > 1) a1 += 4 * STEPS;
    if (rows > 2) a2 += 4 * STEPS;
    if (rows > 3) a3 += 4 * STEPS;
    if (rows > 4) a4 += 4 * STEPS;
    if (rows > 5) a5 += 4 * STEPS;
    panel += GROUP_BYTES * STEPS;
    groups -= STEPS;
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  if (rows > 1) { v128.store(c, c10, 32); v128.store(c, c11, 48); }
  if (rows > 2) { v128.store(c, c20, 64); v128.store(c, c21, 80); }
  if (rows > 3) { v128.store(c, c30, 96); v128.store(c, c31, 112); }
  if (rows > 4) { v128.store(c, c40, 128); v128.store(c, c41, 144); }
  if (rows > 5) { v128.store(c, c50, 160); v128.store(c, c51, 176); }
}

function tile1(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(false, 1, a, lda, panel, c, groups); }
function tile2(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(false, 2, a, lda, panel, c, groups); }
function tile3(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(false, 3, a, lda, panel, c, groups); }
function tile4(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(false, 4, a, lda, panel, c, groups); }
function tile5(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(false, 5, a, lda, panel, c, groups); }
function tile6(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(false, 6, a, lda, panel, c, groups); }

/** The tile of `rows` rows, 1 to tallest(false). */
function wholeRows(rows: i32, a: usize, lda: usize, panel: usize, c: usize, groups: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD && rows == 6) tile6(a, lda, panel, c, groups);
  else if (ASC_FEATURE_RELAXED_SIMD && rows == 5) tile5(a, lda, panel, c, groups);
  else if (rows == 4) tile4(a, lda, panel, c, groups);
  else if (rows == 3) tile3(a, lda, panel, c, groups);
  else if (rows == 2) tile2(a, lda, panel, c, groups);
  else tile1(a, lda, panel, c, groups);
}

function pairedTile1(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(true, 1, a, lda, panel, c, groups); }
function pairedTile2(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(true, 2, a, lda, panel, c, groups); }
function pairedTile3(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(true, 3, a, lda, panel, c, groups); }
function pairedTile4(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(true, 4, a, lda, panel, c, groups); }
function pairedTile5(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(true, 5, a, lda, panel, c, groups); }

/** The same in paired steps, 1 to tallest(true). */
function pairedRows(rows: i32, a: usize, lda: usize, panel: usize, c: usize, groups: i32): void {
  if (rows == 5) pairedTile5(a, lda, panel, c, groups);
  else if (rows == 4) pairedTile4(a, lda, panel, c, groups);
  else if (rows == 3) pairedTile3(a, lda, panel, c, groups);
  else if (rows == 2) pairedTile2(a, lda, panel, c, groups);
  else pairedTile1(a, lda, panel, c, groups);
}

/** The tile of `rows` rows, 1 to tallest(paired). */
export function tileRows(paired: bool, rows: i32, a: usize, lda: usize, panel: usize, c: usize, groups: i32): void {
  assert(rows >= 1 && rows <= tallest(paired));
  if (ASC_FEATURE_RELAXED_SIMD && paired) pairedRows(rows, a, lda, panel, c, groups);
  else wholeRows(rows, a, lda, panel, c, groups);
}

/** Panels that `rowTile` multiplies side by side: with one row and one panel, its two accumulators would wait for each other. */
export const ROW_TILE_PANELS: i32 = 4;

/** c = a · four neighbouring panels, `panelBytes` apart; c holds 32 int32. */
export function rowTile(a: usize, panel: usize, panelBytes: usize, c: usize, groups: i32): void {
  let p1 = panel + panelBytes, p2 = p1 + panelBytes, p3 = p2 + panelBytes;
  let c0 = i32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
  panel += HEADER_BYTES; p1 += HEADER_BYTES; p2 += HEADER_BYTES; p3 += HEADER_BYTES;
  while (groups > 0) {
    const x = v128.load32_splat(a);
    c0 = dot(false, left(panel), x, c0); c1 = dot(false, right(panel), x, c1);
    c2 = dot(false, left(p1), x, c2); c3 = dot(false, right(p1), x, c3);
    c4 = dot(false, left(p2), x, c4); c5 = dot(false, right(p2), x, c5);
    c6 = dot(false, left(p3), x, c6); c7 = dot(false, right(p3), x, c7);
    a += 4;
    panel += GROUP_BYTES; p1 += GROUP_BYTES; p2 += GROUP_BYTES; p3 += GROUP_BYTES;
    groups--;
  }
  v128.store(c, c0); v128.store(c, c1, 16); v128.store(c, c2, 32); v128.store(c, c3, 48);
  v128.store(c, c4, 64); v128.store(c, c5, 80); v128.store(c, c6, 96); v128.store(c, c7, 112);
}

/** Bytes that hold any tile's result, as rows of one panel. */
export const TILE_BYTES: usize = 6 * PANEL_ROW_BYTES;

/**
 * c = (tile - row zero point · column sum) · (row scale · column scale) + start, for rows of one panel. Integers are exact;
 * each product and each sum of floats is rounded separately.
 *
 * @param start the bias for all rows, with `ldStart` 0; or c itself, to add to it
 */
export function dequantize(
  tile: usize, rows: i32, rowScales: usize, rowZeros: usize, panel: usize, start: usize, ldStart: usize, c: usize, ldc: usize,
): void {
  const s0 = v128.load(panel), s1 = v128.load(panel, 16), sum0 = v128.load(panel, SUMS), sum1 = v128.load(panel, SUMS + 16);
  while (rows > 0) {
    const scale = v128.load32_splat(rowScales);
    let x0 = v128.load(tile), x1 = v128.load(tile, 16);
    if (SHIFTED) {
      const zero = v128.load32_splat(rowZeros);
      x0 = i32x4.sub(x0, i32x4.mul(zero, sum0));
      x1 = i32x4.sub(x1, i32x4.mul(zero, sum1));
    }
    const y0 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x0), f32x4.mul(scale, s0)), v128.load(start));
    const y1 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x1), f32x4.mul(scale, s1)), v128.load(start, 16));
    v128.store(c, y1, 16); v128.store(c, y0);
    tile += LANES * 4;
    rowScales += 4;
    rowZeros += 4;
    start += ldStart;
    c += ldc;
    rows--;
  }
}
