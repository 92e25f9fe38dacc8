/**
 * int8 tiles: a few quantised rows times one panel, held as int32 in registers from the first product to the last.
 *
 * Relaxed SIMD multiplies fours of int8 and adds them in one instruction; plain SIMD widens the weights to int16 on their
 * way in and multiplies pairs. As in the float32 tiles the loop tests at its top, is not unrolled, and is followed by
 * plain stores: `dequantize` is a function of its own.
 */
import { LANES, PANEL_ROW_BYTES } from "../simd";
import { GROUP_BYTES, HEADER_BYTES, STARTS } from "./i8-panel";

/** The tallest tile that Node 20 does not spill: plain SIMD's product needs a register of its own (4 rows: 80 Gop/s, 5: 54). */
export const TILE_ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;

/** c + the group's products, column by column. */
// @ts-ignore: decorator
@inline
function dot(weights: v128, x: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, x, c);
  return i32x4.add(c, i32x4.dot_i16x8_s(x, weights));
}

/** A group of the panel's first four columns. */
// @ts-ignore: decorator
@inline
function left(weights: usize): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.load(weights) : v128.load_ext<i8>(weights);
}

/** And of its last four. */
// @ts-ignore: decorator
@inline
function right(weights: usize): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? v128.load(weights, 16) : v128.load_ext<i8>(weights, 8);
}

/** c[0..rows) = starts + a[0..rows) · panel, rows of 8 int32. A group of A is 4 bytes in either build. */
// @ts-ignore: decorator
@inline
function tile(rows: i32, a0: usize, lda: usize, panel: usize, c: usize, groups: i32): void {
  let c00 = v128.load(panel, STARTS), c01 = v128.load(panel, STARTS + 16), c10 = c00, c11 = c01, c20 = c00, c21 = c01;
  let c30 = c00, c31 = c01, c40 = c00, c41 = c01, c50 = c00, c51 = c01;
  let a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
  panel += HEADER_BYTES;
  while (groups > 0) {
    const b0 = left(panel), b1 = right(panel);
    let x = v128.load32_splat(a0);
    c00 = dot(b0, x, c00); c01 = dot(b1, x, c01);
    if (rows > 1) { x = v128.load32_splat(a1); c10 = dot(b0, x, c10); c11 = dot(b1, x, c11); a1 += 4; }
    if (rows > 2) { x = v128.load32_splat(a2); c20 = dot(b0, x, c20); c21 = dot(b1, x, c21); a2 += 4; }
    if (rows > 3) { x = v128.load32_splat(a3); c30 = dot(b0, x, c30); c31 = dot(b1, x, c31); a3 += 4; }
    if (rows > 4) { x = v128.load32_splat(a4); c40 = dot(b0, x, c40); c41 = dot(b1, x, c41); a4 += 4; }
    if (rows > 5) { x = v128.load32_splat(a5); c50 = dot(b0, x, c50); c51 = dot(b1, x, c51); a5 += 4; }
    a0 += 4;
    panel += GROUP_BYTES;
    groups--;
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  if (rows > 1) { v128.store(c, c10, 32); v128.store(c, c11, 48); }
  if (rows > 2) { v128.store(c, c20, 64); v128.store(c, c21, 80); }
  if (rows > 3) { v128.store(c, c30, 96); v128.store(c, c31, 112); }
  if (rows > 4) { v128.store(c, c40, 128); v128.store(c, c41, 144); }
  if (rows > 5) { v128.store(c, c50, 160); v128.store(c, c51, 176); }
}

function tile1(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(1, a, lda, panel, c, groups); }
function tile2(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(2, a, lda, panel, c, groups); }
function tile3(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(3, a, lda, panel, c, groups); }
function tile4(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(4, a, lda, panel, c, groups); }
function tile5(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(5, a, lda, panel, c, groups); }
function tile6(a: usize, lda: usize, panel: usize, c: usize, groups: i32): void { tile(6, a, lda, panel, c, groups); }

/** The tile of `rows` rows, 1 to TILE_ROWS. */
export function tileRows(rows: i32, a: usize, lda: usize, panel: usize, c: usize, groups: i32): void {
  assert(rows >= 1 && rows <= TILE_ROWS);
  if (ASC_FEATURE_RELAXED_SIMD && rows == 6) tile6(a, lda, panel, c, groups);
  else if (ASC_FEATURE_RELAXED_SIMD && rows == 5) tile5(a, lda, panel, c, groups);
  else if (rows == 4) tile4(a, lda, panel, c, groups);
  else if (rows == 3) tile3(a, lda, panel, c, groups);
  else if (rows == 2) tile2(a, lda, panel, c, groups);
  else tile1(a, lda, panel, c, groups);
}

/** Panels that `rowTile` takes side by side: with one row, a single panel's two accumulators would wait on each other. */
export const ROW_TILE_PANELS: i32 = 4;

/** c = starts + a · four neighbouring panels, `panelBytes` apart; c holds 32 int32. */
export function rowTile(a: usize, panel: usize, panelBytes: usize, c: usize, groups: i32): void {
  let p1 = panel + panelBytes, p2 = p1 + panelBytes, p3 = p2 + panelBytes;
  let c0 = v128.load(panel, STARTS), c1 = v128.load(panel, STARTS + 16);
  let c2 = v128.load(p1, STARTS), c3 = v128.load(p1, STARTS + 16);
  let c4 = v128.load(p2, STARTS), c5 = v128.load(p2, STARTS + 16);
  let c6 = v128.load(p3, STARTS), c7 = v128.load(p3, STARTS + 16);
  panel += HEADER_BYTES; p1 += HEADER_BYTES; p2 += HEADER_BYTES; p3 += HEADER_BYTES;
  while (groups > 0) {
    const x = v128.load32_splat(a);
    c0 = dot(left(panel), x, c0); c1 = dot(right(panel), x, c1);
    c2 = dot(left(p1), x, c2); c3 = dot(right(p1), x, c3);
    c4 = dot(left(p2), x, c4); c5 = dot(right(p2), x, c5);
    c6 = dot(left(p3), x, c6); c7 = dot(right(p3), x, c7);
    a += 4;
    panel += GROUP_BYTES; p1 += GROUP_BYTES; p2 += GROUP_BYTES; p3 += GROUP_BYTES;
    groups--;
  }
  v128.store(c, c0); v128.store(c, c1, 16); v128.store(c, c2, 32); v128.store(c, c3, 48);
  v128.store(c, c4, 64); v128.store(c, c5, 80); v128.store(c, c6, 96); v128.store(c, c7, 112);
}

/** Bytes that hold any tile's result, as rows of one panel. */
export const TILE_BYTES: usize = 6 * PANEL_ROW_BYTES;

/** c = tile · (row scale · column scale) + bias, for rows of one panel; each product and sum is rounded by itself. */
export function dequantize(tile: usize, rows: i32, rowScales: usize, columnScales: usize, bias: usize, c: usize, ldc: usize): void {
  const s0 = v128.load(columnScales), s1 = v128.load(columnScales, 16);
  const b0 = v128.load(bias), b1 = v128.load(bias, 16);
  while (rows > 0) {
    const scale = v128.load32_splat(rowScales);
    const x0 = f32x4.convert_i32x4_s(v128.load(tile)), x1 = f32x4.convert_i32x4_s(v128.load(tile, 16));
    v128.store(c, f32x4.add(f32x4.mul(x0, f32x4.mul(scale, s0)), b0));
    v128.store(c, f32x4.add(f32x4.mul(x1, f32x4.mul(scale, s1)), b1), 16);
    tile += LANES * 4;
    rowScales += 4;
    c += ldc;
    rows--;
  }
}
