/** int8 tiles over two neighbouring panels, as `f32-wide.ts` has them for float32: for engines that pair 128-bit vectors. */
import { LANES } from "../simd";
import { GROUP_BYTES, HEADER_BYTES, SHIFTED, SUMS } from "./i8-panel";
import { TILE_BYTES, dot, left, right, tallest, tileRows } from "./i8-tile";

/** Bytes that hold the results of two panels: the rows of the second begin TILE_BYTES after those of the first. */
export const WIDE_BYTES: usize = 2 * TILE_BYTES;

/** c[0..rows) = a[0..rows) · two panels, `panelBytes` apart. `rows`, 3 or more, is a constant wherever this is inlined. */
// @ts-ignore: decorator
@inline
function tile(rows: i32, a0: usize, lda: usize, p0: usize, panelBytes: usize, c: usize, groups: i32): void {
  const zero = i32x4.splat(0);
  let c00 = zero, c01 = zero, c02 = zero, c03 = zero;
  let c10 = zero, c11 = zero, c12 = zero, c13 = zero;
  let c20 = zero, c21 = zero, c22 = zero, c23 = zero;
  let c30 = zero, c31 = zero, c32 = zero, c33 = zero;
  let c40 = zero, c41 = zero, c42 = zero, c43 = zero;
  let c50 = zero, c51 = zero, c52 = zero, c53 = zero;
  let a1 = a0 + lda, a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
  p0 += HEADER_BYTES;
  let p1 = p0 + panelBytes;
  while (groups > 0) {
    let b0 = left(p0), b1 = right(p0), b2 = left(p1), b3 = right(p1), x = v128.load32_splat(a0);
    c00 = dot(false, b0, x, c00); c01 = dot(false, b1, x, c01); c02 = dot(false, b2, x, c02); c03 = dot(false, b3, x, c03);
    x = v128.load32_splat(a1); c10 = dot(false, b0, x, c10); c11 = dot(false, b1, x, c11); c12 = dot(false, b2, x, c12); c13 = dot(false, b3, x, c13);
    x = v128.load32_splat(a2); c20 = dot(false, b0, x, c20); c21 = dot(false, b1, x, c21); c22 = dot(false, b2, x, c22); c23 = dot(false, b3, x, c23);
    if (rows > 3) { x = v128.load32_splat(a3); c30 = dot(false, b0, x, c30); c31 = dot(false, b1, x, c31); c32 = dot(false, b2, x, c32); c33 = dot(false, b3, x, c33); }
    if (rows > 4) { x = v128.load32_splat(a4); c40 = dot(false, b0, x, c40); c41 = dot(false, b1, x, c41); c42 = dot(false, b2, x, c42); c43 = dot(false, b3, x, c43); }
    if (rows > 5) { x = v128.load32_splat(a5); c50 = dot(false, b0, x, c50); c51 = dot(false, b1, x, c51); c52 = dot(false, b2, x, c52); c53 = dot(false, b3, x, c53); }
    if (groups == 1) break;
    b0 = left(p0 + 1 * GROUP_BYTES); b1 = right(p0 + 1 * GROUP_BYTES); b2 = left(p1 + 1 * GROUP_BYTES); b3 = right(p1 + 1 * GROUP_BYTES); x = v128.load32_splat(a0, 4);
    c00 = dot(false, b0, x, c00); c01 = dot(false, b1, x, c01); c02 = dot(false, b2, x, c02); c03 = dot(false, b3, x, c03);
    x = v128.load32_splat(a1, 4); c10 = dot(false, b0, x, c10); c11 = dot(false, b1, x, c11); c12 = dot(false, b2, x, c12); c13 = dot(false, b3, x, c13);
    x = v128.load32_splat(a2, 4); c20 = dot(false, b0, x, c20); c21 = dot(false, b1, x, c21); c22 = dot(false, b2, x, c22); c23 = dot(false, b3, x, c23);
    if (rows > 3) { x = v128.load32_splat(a3, 4); c30 = dot(false, b0, x, c30); c31 = dot(false, b1, x, c31); c32 = dot(false, b2, x, c32); c33 = dot(false, b3, x, c33); }
    if (rows > 4) { x = v128.load32_splat(a4, 4); c40 = dot(false, b0, x, c40); c41 = dot(false, b1, x, c41); c42 = dot(false, b2, x, c42); c43 = dot(false, b3, x, c43); }
    if (rows > 5) { x = v128.load32_splat(a5, 4); c50 = dot(false, b0, x, c50); c51 = dot(false, b1, x, c51); c52 = dot(false, b2, x, c52); c53 = dot(false, b3, x, c53); }
    if (groups == 2) break;
    b0 = left(p0 + 2 * GROUP_BYTES); b1 = right(p0 + 2 * GROUP_BYTES); b2 = left(p1 + 2 * GROUP_BYTES); b3 = right(p1 + 2 * GROUP_BYTES); x = v128.load32_splat(a0, 8);
    c00 = dot(false, b0, x, c00); c01 = dot(false, b1, x, c01); c02 = dot(false, b2, x, c02); c03 = dot(false, b3, x, c03);
    x = v128.load32_splat(a1, 8); c10 = dot(false, b0, x, c10); c11 = dot(false, b1, x, c11); c12 = dot(false, b2, x, c12); c13 = dot(false, b3, x, c13);
    x = v128.load32_splat(a2, 8); c20 = dot(false, b0, x, c20); c21 = dot(false, b1, x, c21); c22 = dot(false, b2, x, c22); c23 = dot(false, b3, x, c23);
    if (rows > 3) { x = v128.load32_splat(a3, 8); c30 = dot(false, b0, x, c30); c31 = dot(false, b1, x, c31); c32 = dot(false, b2, x, c32); c33 = dot(false, b3, x, c33); }
    if (rows > 4) { x = v128.load32_splat(a4, 8); c40 = dot(false, b0, x, c40); c41 = dot(false, b1, x, c41); c42 = dot(false, b2, x, c42); c43 = dot(false, b3, x, c43); }
    if (rows > 5) { x = v128.load32_splat(a5, 8); c50 = dot(false, b0, x, c50); c51 = dot(false, b1, x, c51); c52 = dot(false, b2, x, c52); c53 = dot(false, b3, x, c53); }
    if (groups == 3) break;
    b0 = left(p0 + 3 * GROUP_BYTES); b1 = right(p0 + 3 * GROUP_BYTES); b2 = left(p1 + 3 * GROUP_BYTES); b3 = right(p1 + 3 * GROUP_BYTES); x = v128.load32_splat(a0, 12);
    c00 = dot(false, b0, x, c00); c01 = dot(false, b1, x, c01); c02 = dot(false, b2, x, c02); c03 = dot(false, b3, x, c03);
    x = v128.load32_splat(a1, 12); c10 = dot(false, b0, x, c10); c11 = dot(false, b1, x, c11); c12 = dot(false, b2, x, c12); c13 = dot(false, b3, x, c13);
    x = v128.load32_splat(a2, 12); c20 = dot(false, b0, x, c20); c21 = dot(false, b1, x, c21); c22 = dot(false, b2, x, c22); c23 = dot(false, b3, x, c23);
    if (rows > 3) { x = v128.load32_splat(a3, 12); c30 = dot(false, b0, x, c30); c31 = dot(false, b1, x, c31); c32 = dot(false, b2, x, c32); c33 = dot(false, b3, x, c33); }
    if (rows > 4) { x = v128.load32_splat(a4, 12); c40 = dot(false, b0, x, c40); c41 = dot(false, b1, x, c41); c42 = dot(false, b2, x, c42); c43 = dot(false, b3, x, c43); }
    if (rows > 5) { x = v128.load32_splat(a5, 12); c50 = dot(false, b0, x, c50); c51 = dot(false, b1, x, c51); c52 = dot(false, b2, x, c52); c53 = dot(false, b3, x, c53); }
    a0 += 16; a1 += 16; a2 += 16;
    if (rows > 3) a3 += 16;
    if (rows > 4) a4 += 16;
    if (rows > 5) a5 += 16;
    p0 += 4 * GROUP_BYTES; p1 += 4 * GROUP_BYTES;
    groups -= 4;
  }
  v128.store(c, c01, 16); v128.store(c, c00, 0); v128.store(c, c03, 208); v128.store(c, c02, 192);
  v128.store(c, c11, 48); v128.store(c, c10, 32); v128.store(c, c13, 240); v128.store(c, c12, 224);
  v128.store(c, c21, 80); v128.store(c, c20, 64); v128.store(c, c23, 272); v128.store(c, c22, 256);
  if (rows > 3) { v128.store(c, c31, 112); v128.store(c, c30, 96); v128.store(c, c33, 304); v128.store(c, c32, 288); }
  if (rows > 4) { v128.store(c, c41, 144); v128.store(c, c40, 128); v128.store(c, c43, 336); v128.store(c, c42, 320); }
  if (rows > 5) { v128.store(c, c51, 176); v128.store(c, c50, 160); v128.store(c, c53, 368); v128.store(c, c52, 352); }
}

function wide3(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, groups: i32): void { tile(3, a, lda, panel, panelBytes, c, groups); }
function wide4(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, groups: i32): void { tile(4, a, lda, panel, panelBytes, c, groups); }
function wide5(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, groups: i32): void { tile(5, a, lda, panel, panelBytes, c, groups); }
function wide6(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, groups: i32): void { tile(6, a, lda, panel, panelBytes, c, groups); }

/** The tile of `rows` rows, 1 to tallest(false), past two panels; one row and two rows take two narrow tiles. */
export function wideRows(rows: i32, a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, groups: i32): void {
  assert(rows >= 1 && rows <= tallest(false));
  if (ASC_FEATURE_RELAXED_SIMD && rows == 6) wide6(a, lda, panel, panelBytes, c, groups);
  else if (ASC_FEATURE_RELAXED_SIMD && rows == 5) wide5(a, lda, panel, panelBytes, c, groups);
  else if (rows == 4) wide4(a, lda, panel, panelBytes, c, groups);
  else if (rows == 3) wide3(a, lda, panel, panelBytes, c, groups);
  else {
    tileRows(false, rows, a, lda, panel, c, groups);
    tileRows(false, rows, a, lda, panel + panelBytes, c + TILE_BYTES, groups);
  }
}

/** As `dequantize`, for rows of two panels, `panelBytes` apart: each row's scale and zero point are read once. */
export function dequantizeWide(
  tile: usize, rows: i32, rowScales: usize, rowZeros: usize, p0: usize, panelBytes: usize, start: usize, ldStart: usize,
  c: usize, ldc: usize,
): void {
  const p1 = p0 + panelBytes;
  const s0 = v128.load(p0), s1 = v128.load(p0, 16), s2 = v128.load(p1), s3 = v128.load(p1, 16);
  const sum0 = v128.load(p0, SUMS), sum1 = v128.load(p0, SUMS + 16), sum2 = v128.load(p1, SUMS), sum3 = v128.load(p1, SUMS + 16);
  while (rows > 0) {
    const scale = v128.load32_splat(rowScales);
    let x0 = v128.load(tile), x1 = v128.load(tile, 16), x2 = v128.load(tile, TILE_BYTES), x3 = v128.load(tile, TILE_BYTES + 16);
    if (SHIFTED) {
      const zero = v128.load32_splat(rowZeros);
      x0 = i32x4.sub(x0, i32x4.mul(zero, sum0)); x1 = i32x4.sub(x1, i32x4.mul(zero, sum1));
      x2 = i32x4.sub(x2, i32x4.mul(zero, sum2)); x3 = i32x4.sub(x3, i32x4.mul(zero, sum3));
    }
    const y0 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x0), f32x4.mul(scale, s0)), v128.load(start));
    const y1 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x1), f32x4.mul(scale, s1)), v128.load(start, 16));
    const y2 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x2), f32x4.mul(scale, s2)), v128.load(start, 32));
    const y3 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(x3), f32x4.mul(scale, s3)), v128.load(start, 48));
    v128.store(c, y1, 16); v128.store(c, y0); v128.store(c, y3, 48); v128.store(c, y2, 32);
    tile += LANES * 4;
    rowScales += 4;
    rowZeros += 4;
    start += ldStart;
    c += ldc;
    rows--;
  }
}
