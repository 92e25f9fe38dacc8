/**
 * float32 tiles: a few rows of A times one panel of B, held in registers from the first product to the last.
 *
 * With fused multiply-add, twelve accumulators, two vectors of B and one broadcast of A fill the sixteen registers of x86-64.
 * Without it, the product needs a register of its own. Five rows still fit, in a loop of one step, but a third of their
 * instructions is the loop's: four rows in a loop of four steps are faster (48 against 41 GFLOP/s, of 58 possible; Node 20,
 * first-level cache).
 *
 * V8 before 12.4 dictates the shape of the loop. It moves all loads of a basic block to its top, so plain unrolling spills
 * registers (31 GFLOP/s); an exit after each step ends the block there, because the accumulators are needed after it. The
 * loop tests its condition at the top. The accumulators start from a row in memory (bias, mask bias or zeros) and are only
 * stored after the loop: an addition there spills too (from 41 to 24 GFLOP/s).
 */
import { PANEL_ROW_BYTES, madd } from "../simd";

/** Zeros that a tile may start from, as many as any tile reads. */
export const ZEROS: usize = memory.data(192, 16);

/** The tallest tile. */
export const TILE_ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;

/** Steps per iteration of the loop: a fused tile gains nothing from more (57 of 58 GFLOP/s with one). */
const STEPS: i32 = ASC_FEATURE_RELAXED_SIMD ? 1 : 4;

/**
 * c[0..rows) = start + a[0..rows) · panel, with the same start for each row. `rows` is a constant wherever this is inlined;
 * the compiler removes the accumulators of the other rows.
 */
// @ts-ignore: decorator
@inline
function tile(rows: i32, a0: usize, lda: usize, panel: usize, c: usize, ldc: usize, k: i32, start: usize): void {
  let c00 = v128.load(start), c01 = v128.load(start, 16), c10 = c00, c11 = c01, c20 = c00, c21 = c01;
  let c30 = c00, c31 = c01, c40 = c00, c41 = c01, c50 = c00, c51 = c01;
  let a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
  let n = k;
  while (n > 0) {
    let b0 = v128.load(panel), b1 = v128.load(panel, 16), x = v128.load_splat<f32>(a0);
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
    if (rows > 1) { x = v128.load_splat<f32>(a1); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); }
    if (rows > 2) { x = v128.load_splat<f32>(a2); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); }
    if (rows > 3) { x = v128.load_splat<f32>(a3); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); }
    if (rows > 4) { x = v128.load_splat<f32>(a4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41); }
    if (rows > 5) { x = v128.load_splat<f32>(a5); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51); }
    if (STEPS > 1) {
      if (n == 1) break;
      b0 = v128.load(panel, 32); b1 = v128.load(panel, 48); x = v128.load_splat<f32>(a0, 4);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (rows > 1) { x = v128.load_splat<f32>(a1, 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); }
      if (rows > 2) { x = v128.load_splat<f32>(a2, 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); }
      if (rows > 3) { x = v128.load_splat<f32>(a3, 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); }
      if (n == 2) break;
      b0 = v128.load(panel, 64); b1 = v128.load(panel, 80); x = v128.load_splat<f32>(a0, 8);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (rows > 1) { x = v128.load_splat<f32>(a1, 8); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); }
      if (rows > 2) { x = v128.load_splat<f32>(a2, 8); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); }
      if (rows > 3) { x = v128.load_splat<f32>(a3, 8); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); }
      if (n == 3) break;
      b0 = v128.load(panel, 96); b1 = v128.load(panel, 112); x = v128.load_splat<f32>(a0, 12);
      c00 = madd(x, b0, c00); c01 = madd(x, b1, c01);
      if (rows > 1) { x = v128.load_splat<f32>(a1, 12); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); }
      if (rows > 2) { x = v128.load_splat<f32>(a2, 12); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); }
      if (rows > 3) { x = v128.load_splat<f32>(a3, 12); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); }
    }
    a0 += 4 * STEPS;
    if (rows > 1) a1 += 4 * STEPS;
    if (rows > 2) a2 += 4 * STEPS;
    if (rows > 3) a3 += 4 * STEPS;
    if (rows > 4) a4 += 4 * STEPS;
    if (rows > 5) a5 += 4 * STEPS;
    panel += PANEL_ROW_BYTES * STEPS;
    n -= STEPS;
  }
  v128.store(c, c00); v128.store(c, c01, 16);
  if (rows > 1) { c += ldc; v128.store(c, c10); v128.store(c, c11, 16); }
  if (rows > 2) { c += ldc; v128.store(c, c20); v128.store(c, c21, 16); }
  if (rows > 3) { c += ldc; v128.store(c, c30); v128.store(c, c31, 16); }
  if (rows > 4) { c += ldc; v128.store(c, c40); v128.store(c, c41, 16); }
  if (rows > 5) { c += ldc; v128.store(c, c50); v128.store(c, c51, 16); }
}

// Called once per tile, never inlined into a caller's loop, so that V8 optimises them during the first product, which takes
// 1.3 times as long as later ones. V8 cannot replace slow code in the middle of a call.
function tile1(a: usize, lda: usize, panel: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(1, a, lda, panel, c, ldc, k, start); }
function tile2(a: usize, lda: usize, panel: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(2, a, lda, panel, c, ldc, k, start); }
function tile3(a: usize, lda: usize, panel: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(3, a, lda, panel, c, ldc, k, start); }
function tile4(a: usize, lda: usize, panel: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(4, a, lda, panel, c, ldc, k, start); }
function tile5(a: usize, lda: usize, panel: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(5, a, lda, panel, c, ldc, k, start); }
function tile6(a: usize, lda: usize, panel: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(6, a, lda, panel, c, ldc, k, start); }

/** The tile of `rows` rows, 1 to TILE_ROWS. */
export function tileRows(rows: i32, a: usize, lda: usize, panel: usize, c: usize, ldc: usize, k: i32, start: usize): void {
  assert(rows >= 1 && rows <= TILE_ROWS);
  if (ASC_FEATURE_RELAXED_SIMD && rows == 6) tile6(a, lda, panel, c, ldc, k, start);
  else if (ASC_FEATURE_RELAXED_SIMD && rows == 5) tile5(a, lda, panel, c, ldc, k, start);
  else if (rows == 4) tile4(a, lda, panel, c, ldc, k, start);
  else if (rows == 3) tile3(a, lda, panel, c, ldc, k, start);
  else if (rows == 2) tile2(a, lda, panel, c, ldc, k, start);
  else tile1(a, lda, panel, c, ldc, k, start);
}

/** Panels that `rowTile` multiplies side by side: with one row and one panel, its two accumulators would wait for each other. */
export const ROW_TILE_PANELS: i32 = 6;

/** c = start + a · six neighbouring panels, `panelBytes` apart; c and start hold 48 floats. */
export function rowTile(a: usize, panel: usize, panelBytes: usize, c: usize, k: i32, start: usize): void {
  let p1 = panel + panelBytes, p2 = p1 + panelBytes, p3 = p2 + panelBytes, p4 = p3 + panelBytes, p5 = p4 + panelBytes;
  let c0 = v128.load(start), c1 = v128.load(start, 16), c2 = v128.load(start, 32), c3 = v128.load(start, 48);
  let c4 = v128.load(start, 64), c5 = v128.load(start, 80), c6 = v128.load(start, 96), c7 = v128.load(start, 112);
  let c8 = v128.load(start, 128), c9 = v128.load(start, 144), c10 = v128.load(start, 160), c11 = v128.load(start, 176);
  while (k > 0) {
    const x = v128.load_splat<f32>(a);
    c0 = madd(x, v128.load(panel), c0); c1 = madd(x, v128.load(panel, 16), c1);
    c2 = madd(x, v128.load(p1), c2); c3 = madd(x, v128.load(p1, 16), c3);
    c4 = madd(x, v128.load(p2), c4); c5 = madd(x, v128.load(p2, 16), c5);
    c6 = madd(x, v128.load(p3), c6); c7 = madd(x, v128.load(p3, 16), c7);
    c8 = madd(x, v128.load(p4), c8); c9 = madd(x, v128.load(p4, 16), c9);
    c10 = madd(x, v128.load(p5), c10); c11 = madd(x, v128.load(p5, 16), c11);
    a += 4;
    panel += PANEL_ROW_BYTES; p1 += PANEL_ROW_BYTES; p2 += PANEL_ROW_BYTES;
    p3 += PANEL_ROW_BYTES; p4 += PANEL_ROW_BYTES; p5 += PANEL_ROW_BYTES;
    k--;
  }
  v128.store(c, c0); v128.store(c, c1, 16); v128.store(c, c2, 32); v128.store(c, c3, 48);
  v128.store(c, c4, 64); v128.store(c, c5, 80); v128.store(c, c6, 96); v128.store(c, c7, 112);
  v128.store(c, c8, 128); v128.store(c, c9, 144); v128.store(c, c10, 160); v128.store(c, c11, 176);
}

/** Panels that `pairTile` multiplies side by side. */
export const PAIR_TILE_PANELS: i32 = 3;

/** c[0..2) = start + a[0..2) · three neighbouring panels, `panelBytes` apart; start and each row of c hold 24 floats. */
export function pairTile(a0: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, ldc: usize, k: i32, start: usize): void {
  let a1 = a0 + lda, p1 = panel + panelBytes, p2 = p1 + panelBytes;
  let c00 = v128.load(start), c01 = v128.load(start, 16), c02 = v128.load(start, 32), c03 = v128.load(start, 48);
  let c04 = v128.load(start, 64), c05 = v128.load(start, 80), c10 = c00, c11 = c01, c12 = c02, c13 = c03, c14 = c04, c15 = c05;
  while (k > 0) {
    const x0 = v128.load_splat<f32>(a0), x1 = v128.load_splat<f32>(a1);
    let b0 = v128.load(panel), b1 = v128.load(panel, 16);
    c00 = madd(x0, b0, c00); c01 = madd(x0, b1, c01); c10 = madd(x1, b0, c10); c11 = madd(x1, b1, c11);
    b0 = v128.load(p1); b1 = v128.load(p1, 16);
    c02 = madd(x0, b0, c02); c03 = madd(x0, b1, c03); c12 = madd(x1, b0, c12); c13 = madd(x1, b1, c13);
    b0 = v128.load(p2); b1 = v128.load(p2, 16);
    c04 = madd(x0, b0, c04); c05 = madd(x0, b1, c05); c14 = madd(x1, b0, c14); c15 = madd(x1, b1, c15);
    a0 += 4; a1 += 4;
    panel += PANEL_ROW_BYTES; p1 += PANEL_ROW_BYTES; p2 += PANEL_ROW_BYTES;
    k--;
  }
  v128.store(c, c01, 16); v128.store(c, c00); v128.store(c, c03, 48); v128.store(c, c02, 32); v128.store(c, c05, 80); v128.store(c, c04, 64);
  c += ldc;
  v128.store(c, c11, 16); v128.store(c, c10); v128.store(c, c13, 48); v128.store(c, c12, 32); v128.store(c, c15, 80); v128.store(c, c14, 64);
}

/** Floats of scratch memory that hold any tile's result, as rows of one panel. */
export const SCRATCH_FLOATS: i32 = 48;
