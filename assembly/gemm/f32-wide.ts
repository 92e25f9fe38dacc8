/**
 * float32 tiles over two neighbouring panels, 16 columns, for engines that pair 128-bit vectors into registers of 256 bits: V8 on x86-64
 * with AVX2, behind a flag (docs/decisions/0021). Twelve such registers hold the sums of six rows; unpaired, the tiles spill and lose to
 * those of `f32-tile.ts`, which compute the same bits. The host measures which of them are faster.
 *
 * V8 begins from neighbouring stores, the higher address first, and pairs loads 16 bytes apart without a store between them. An exit
 * after each step ends the basic block, as in the narrow tiles.
 */
import { PANEL_ROW_BYTES, madd } from "../simd";
import { TILE_ROWS, tileRows } from "./f32-tile";

/** Floats of scratch memory that hold any tile's result, as rows of two panels. */
export const WIDE_FLOATS: i32 = 96;

/** c[0..rows) = start + a[0..rows) · two panels, `panelBytes` apart. `rows`, 3 or more, is a constant wherever this is inlined. */
// @ts-ignore: decorator
@inline
function tile(rows: i32, a0: usize, lda: usize, p0: usize, panelBytes: usize, c: usize, ldc: usize, k: i32, start: usize): void {
  let p1 = p0 + panelBytes;
  let c00 = v128.load(start), c01 = v128.load(start, 16), c02 = v128.load(start, 32), c03 = v128.load(start, 48);
  let c10 = c00, c11 = c01, c12 = c02, c13 = c03, c20 = c00, c21 = c01, c22 = c02, c23 = c03;
  let c30 = c00, c31 = c01, c32 = c02, c33 = c03, c40 = c00, c41 = c01, c42 = c02, c43 = c03;
  let c50 = c00, c51 = c01, c52 = c02, c53 = c03;
  let a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
  let n = k;
  while (n > 0) {
    let b0 = v128.load(p0), b1 = v128.load(p0, 16), b2 = v128.load(p1), b3 = v128.load(p1, 16), x = v128.load_splat<f32>(a0);
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01); c02 = madd(x, b2, c02); c03 = madd(x, b3, c03);
    x = v128.load_splat<f32>(a1); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); c12 = madd(x, b2, c12); c13 = madd(x, b3, c13);
    x = v128.load_splat<f32>(a2); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); c22 = madd(x, b2, c22); c23 = madd(x, b3, c23);
    if (rows > 3) { x = v128.load_splat<f32>(a3); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); c32 = madd(x, b2, c32); c33 = madd(x, b3, c33); }
    if (rows > 4) { x = v128.load_splat<f32>(a4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41); c42 = madd(x, b2, c42); c43 = madd(x, b3, c43); }
    if (rows > 5) { x = v128.load_splat<f32>(a5); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51); c52 = madd(x, b2, c52); c53 = madd(x, b3, c53); }
    if (n == 1) break;
    b0 = v128.load(p0, 32); b1 = v128.load(p0, 48); b2 = v128.load(p1, 32); b3 = v128.load(p1, 48); x = v128.load_splat<f32>(a0, 4);
    c00 = madd(x, b0, c00); c01 = madd(x, b1, c01); c02 = madd(x, b2, c02); c03 = madd(x, b3, c03);
    x = v128.load_splat<f32>(a1, 4); c10 = madd(x, b0, c10); c11 = madd(x, b1, c11); c12 = madd(x, b2, c12); c13 = madd(x, b3, c13);
    x = v128.load_splat<f32>(a2, 4); c20 = madd(x, b0, c20); c21 = madd(x, b1, c21); c22 = madd(x, b2, c22); c23 = madd(x, b3, c23);
    if (rows > 3) { x = v128.load_splat<f32>(a3, 4); c30 = madd(x, b0, c30); c31 = madd(x, b1, c31); c32 = madd(x, b2, c32); c33 = madd(x, b3, c33); }
    if (rows > 4) { x = v128.load_splat<f32>(a4, 4); c40 = madd(x, b0, c40); c41 = madd(x, b1, c41); c42 = madd(x, b2, c42); c43 = madd(x, b3, c43); }
    if (rows > 5) { x = v128.load_splat<f32>(a5, 4); c50 = madd(x, b0, c50); c51 = madd(x, b1, c51); c52 = madd(x, b2, c52); c53 = madd(x, b3, c53); }
    a0 += 8; a1 += 8; a2 += 8;
    if (rows > 3) a3 += 8;
    if (rows > 4) a4 += 8;
    if (rows > 5) a5 += 8;
    p0 += 2 * PANEL_ROW_BYTES; p1 += 2 * PANEL_ROW_BYTES;
    n -= 2;
  }
  v128.store(c, c01, 16); v128.store(c, c00); v128.store(c, c03, 48); v128.store(c, c02, 32);
  c += ldc; v128.store(c, c11, 16); v128.store(c, c10); v128.store(c, c13, 48); v128.store(c, c12, 32);
  c += ldc; v128.store(c, c21, 16); v128.store(c, c20); v128.store(c, c23, 48); v128.store(c, c22, 32);
  if (rows > 3) { c += ldc; v128.store(c, c31, 16); v128.store(c, c30); v128.store(c, c33, 48); v128.store(c, c32, 32); }
  if (rows > 4) { c += ldc; v128.store(c, c41, 16); v128.store(c, c40); v128.store(c, c43, 48); v128.store(c, c42, 32); }
  if (rows > 5) { c += ldc; v128.store(c, c51, 16); v128.store(c, c50); v128.store(c, c53, 48); v128.store(c, c52, 32); }
}

function wide3(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(3, a, lda, panel, panelBytes, c, ldc, k, start); }
function wide4(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(4, a, lda, panel, panelBytes, c, ldc, k, start); }
function wide5(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(5, a, lda, panel, panelBytes, c, ldc, k, start); }
function wide6(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, ldc: usize, k: i32, start: usize): void { tile(6, a, lda, panel, panelBytes, c, ldc, k, start); }

/** The tile of `rows` rows, 1 to TILE_ROWS, past two panels; one row and two rows, which are rare, take two narrow tiles. */
export function wideRows(rows: i32, a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, ldc: usize, k: i32, start: usize): void {
  assert(rows >= 1 && rows <= TILE_ROWS);
  if (ASC_FEATURE_RELAXED_SIMD && rows == 6) wide6(a, lda, panel, panelBytes, c, ldc, k, start);
  else if (ASC_FEATURE_RELAXED_SIMD && rows == 5) wide5(a, lda, panel, panelBytes, c, ldc, k, start);
  else if (rows == 4) wide4(a, lda, panel, panelBytes, c, ldc, k, start);
  else if (rows == 3) wide3(a, lda, panel, panelBytes, c, ldc, k, start);
  else {
    tileRows(rows, a, lda, panel, c, ldc, k, start);
    tileRows(rows, a, lda, panel + panelBytes, c + PANEL_ROW_BYTES, ldc, k, start + PANEL_ROW_BYTES);
  }
}
