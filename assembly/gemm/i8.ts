/** int8 GEMM over packed panels: which rows are quantised when, which tiles in which order. */
import { IDENTITY } from "../activation";
import { LANES, PANEL_ROW_BYTES, padded } from "../simd";
import { epilogue } from "./epilogue";
import { GROUP, depthOf, panelBytesI8, stretchesBytes } from "./i8-panel";
import { ROW_TILE_PANELS, dequantize, rowTile, tallest, tileRows } from "./i8-tile";
import { quantizeRows, quantizedBytes } from "./i8-rows";
import { WIDE_BYTES, dequantizeWide, wideRows } from "./i8-wide";

/** Rows of A quantised at once, at most: 128 rows of 3,072 take 390 or 790 KB and stay in the second-level cache. */
const BLOCK_ROWS: i32 = 128;

/**
 * From this many rows on, the first row multiplies several panels side by side: their weights then arrive in several
 * streams, which wait less for memory (4 % at 128 rows). Plain SIMD gains nothing from it. With fewer rows the slower tile
 * costs more than it saves: 6 % at 16 rows, 14 % with paired vectors, nothing from 96 on (docs/decisions/0023).
 */
const MIN_ROWS_WITH_LEAD: i32 = ASC_FEATURE_RELAXED_SIMD ? 96 : i32.MAX_VALUE;

/** Which tiles compute a product; its bits are the same. */
const WHOLE: i32 = 0;
const PAIRED: i32 = 1;
const WIDE: i32 = 2;

/**
 * Scratch memory: a tile, then the quantised rows, stretch after stretch, each with the rows' scales and zero points before
 * the levels. Offsets into a stretch:
 */
const ROW_ZEROS: usize = BLOCK_ROWS * 4;
const LEVELS: usize = 2 * ROW_ZEROS;

/** Bytes from one stretch of the quantised rows to the next. */
// @ts-ignore: decorator
@inline
function rowsBytes(stretch: i32): usize {
  return LEVELS + <usize>BLOCK_ROWS * quantizedBytes(stretch);
}

/**
 * C = activation(A · B + bias) + residual, B packed by `packI8`, A quantised row by row on its way in. Arguments as for
 * `gemmF32`. Sums are exact integers: an element does not depend on the rows computed with it.
 *
 * @param scratch gemmI8ScratchBytes(k, stretch) of memory that no other thread uses
 * @param lowest the levels of quantised activations, as for `quantizeRows`: those that this machine multiplies exactly
 * @param stretch columns of A, and rows of B, that share a scale: as B was packed
 */
export function gemmI8(
  a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize, lowest: i32, highest: i32, stretch: i32,
): void {
  blocks(WHOLE, a, lda, panels, bias, c, ldc, m, n, k, activation, residual, ldResidual, scratch, lowest, highest, stretch);
}

/**
 * Bit for bit the same for levels of 7 bits, by tiles of paired steps in the relaxed SIMD build: faster on some machines, slower on
 * others. Sums of two products with 8 bits may not fit an int16.
 */
export function gemmI8Paired(
  a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize, lowest: i32, highest: i32, stretch: i32,
): void {
  blocks(PAIRED, a, lda, panels, bias, c, ldc, m, n, k, activation, residual, ldResidual, scratch, lowest, highest, stretch);
}

/** Bit for bit the same, by tiles of two panels: faster where the engine pairs vectors, slower elsewhere. */
export function gemmI8Wide(
  a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize, lowest: i32, highest: i32, stretch: i32,
): void {
  blocks(WIDE, a, lda, panels, bias, c, ldc, m, n, k, activation, residual, ldResidual, scratch, lowest, highest, stretch);
}

/** Blocks of nearly equal height. */
function blocks(
  kind: i32, a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize, lowest: i32, highest: i32, stretch: i32,
): void {
  assert(m > 0 && n > 0 && k > 0 && stretch > 0);
  assert(ldc >= <usize>padded(n) * 4);
  stretch = min(stretch, depthOf(k));
  for (let count = (m + BLOCK_ROWS - 1) / BLOCK_ROWS; count > 0; count--) {
    const rows = m / count;
    let to = scratch + WIDE_BYTES;
    for (let first = 0; first < k; first += stretch) {
      const from = a + (<usize>first << 2);
      quantizeRows(from, lda, to + LEVELS, to, to + ROW_ZEROS, rows, min(stretch, k - first), lowest, highest);
      to += rowsBytes(stretch);
    }
    block(kind, panels, padded(n) / LANES, bias, c, ldc, rows, k, activation, residual, ldResidual, scratch, stretch);
    a += lda * rows;
    c += ldc * rows;
    if (residual != 0) residual += ldResidual * rows;
    m -= rows;
  }
}

/** Bytes of scratch memory that `gemmI8` needs for A of k columns. */
export function gemmI8ScratchBytes(k: i32, stretch: i32): usize {
  stretch = min(stretch, depthOf(k));
  return WIDE_BYTES + <usize>((k + stretch - 1) / stretch) * rowsBytes(stretch);
}

/** One block of quantised rows times every panel. */
function block(
  kind: i32, panel: usize, panelCount: i32, bias: usize, c: usize, ldc: usize, m: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize, stretch: i32,
): void {
  const fused = activation != IDENTITY || residual != 0;
  const panelBytes = stretchesBytes(k, stretch);
  while (panelCount > 0) {
    const step = kind == WIDE && panelCount > 1 ? 2 : 1;
    const width = panelCount >= ROW_TILE_PANELS && (m == 1 || m >= MIN_ROWS_WITH_LEAD) ? ROW_TILE_PANELS : step;
    const first = i32(width == ROW_TILE_PANELS);
    if (first > 0) leadRow(panel, panelBytes, bias, c, k, scratch, stretch);
    if (m > first) {
      let pt = panel, bt = bias, ct = c + ldc * first;
      for (let p = 0; p < width; p += step) {
        tiles(step == 2, kind == PAIRED, pt, panelBytes, bt, ct, ldc, first, m, k, scratch, stretch);
        pt += panelBytes * step;
        bt += PANEL_ROW_BYTES * step;
        ct += PANEL_ROW_BYTES * step;
      }
    }
    if (fused) epilogue(c, ldc, m, width * LANES, activation, residual, ldResidual);
    const bytes = PANEL_ROW_BYTES * width;
    panel += panelBytes * width;
    bias += bytes;
    c += bytes;
    if (residual != 0) residual += bytes;
    panelCount -= width;
  }
}

/** Rows `first` to m times one panel, or two if `wide`, as tiles of nearly equal height; c is row `first` of the result. */
function tiles(
  wide: bool, paired: bool, panel: usize, panelBytes: usize, bias: usize, c: usize, ldc: usize, first: i32, m: i32, k: i32,
  scratch: usize, stretch: i32,
): void {
  const most = tallest(paired);
  const count = (m - first + most - 1) / most;
  const low = (m - first) / count, tall = (m - first) % count;
  for (let t = 0; t < count; t++) {
    const rows = low + i32(t < tall);
    let pt = panel, at = scratch + WIDE_BYTES, start = bias, ldStart: usize = 0;
    for (let from = 0; from < k; from += stretch) {
      const depth = min(stretch, k - from);
      const lda = quantizedBytes(depth), groups = depthOf(depth) / GROUP;
      const a = at + LEVELS + lda * first, scales = at + (<usize>first << 2), zeros = scales + ROW_ZEROS;
      if (wide) {
        wideRows(rows, a, lda, pt, panelBytes, scratch, groups);
        dequantizeWide(scratch, rows, scales, zeros, pt, panelBytes, start, ldStart, c, ldc);
      } else {
        tileRows(paired, rows, a, lda, pt, scratch, groups);
        dequantize(scratch, rows, scales, zeros, pt, start, ldStart, c, ldc);
      }
      // A later stretch adds to the sums of those before it.
      start = c;
      ldStart = ldc;
      pt += panelBytesI8(stretch);
      at += rowsBytes(stretch);
    }
    first += rows;
    c += ldc * rows;
  }
}

/** The first row times four panels. */
function leadRow(panel: usize, panelBytes: usize, bias: usize, c: usize, k: i32, scratch: usize, stretch: i32): void {
  let at = scratch + WIDE_BYTES, start = bias;
  for (let from = 0; from < k; from += stretch) {
    rowTile(at + LEVELS, panel, panelBytes, scratch, depthOf(min(stretch, k - from)) / GROUP);
    let pt = panel;
    for (let p: usize = 0; p < <usize>ROW_TILE_PANELS * PANEL_ROW_BYTES; p += PANEL_ROW_BYTES) {
      dequantize(scratch + p, 1, at, at + ROW_ZEROS, pt, start + p, 0, c + p, PANEL_ROW_BYTES);
      pt += panelBytes;
    }
    start = c;
    panel += panelBytesI8(stretch);
    at += rowsBytes(stretch);
  }
}
