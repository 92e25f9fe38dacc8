/** float32 GEMM over packed panels: which tiles, in which order. */
import { IDENTITY } from "../activation";
import { LANES, PANEL_ROW_BYTES, padded } from "../simd";
import { epilogue } from "./epilogue";
import { PAIR_TILE_PANELS, ROW_TILE_PANELS, TILE_ROWS, ZEROS, pairTile, rowTile, tileRows } from "./f32-tile";
import { WIDE_FLOATS, wideRows } from "./f32-wide";

/**
 * Products that one accumulator sums before its sum is added to the rest. A single chain over 3,072 products doubles the
 * error of a 12-layer model; stretches of 384 keep the error at the reference's, and fit the first-level cache.
 */
const SUM_DEPTH: i32 = 384;

/** Rows of A per block, at most; more rows are cut into blocks of nearly equal height (128 as 120 + 8 costs 4 %). */
const BLOCK_ROWS: i32 = 192;

/**
 * Up to this many rows, all lead: a pair of rows multiplies three panels side by side, then the other three; a single row, all six. Of
 * more rows the first two lead if the tiles behind them then all have full height, else only the first. Leading rows fetch the
 * weights from memory in several streams, where a single stream would wait at the end of each page; the tiles that follow find
 * them in the second-level cache.
 */
const MAX_LEAD_ROWS: i32 = 4;

/**
 * C = activation(A · B + bias) + residual.
 *
 * A is (m, k), row-major with stride `lda`; B is packed (`packF32`); bias holds padded(n) floats, as do the rows of C
 * and of the residual, whose padding columns are read and written. Strides are in bytes. C must not overlap A.
 *
 * @param scratch gemmScratchBytes() of memory that no other thread uses
 */
export function gemmF32(
  a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize,
): void {
  product(false, a, lda, panels, bias, c, ldc, m, n, k, activation, residual, ldResidual, scratch);
}

/** Bit for bit the same, by tiles of two panels: faster where the engine pairs vectors, slower elsewhere. */
export function gemmF32Wide(
  a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize,
): void {
  product(true, a, lda, panels, bias, c, ldc, m, n, k, activation, residual, ldResidual, scratch);
}

/** Blocks of nearly equal height. */
function product(
  wide: bool, a: usize, lda: usize, panels: usize, bias: usize, c: usize, ldc: usize, m: i32, n: i32, k: i32,
  activation: i32, residual: usize, ldResidual: usize, scratch: usize,
): void {
  assert(m > 0 && n > 0 && k > 0);
  assert(ldc >= <usize>padded(n) * 4 && lda >= <usize>k * 4);
  const panelCount = padded(n) / LANES;
  const panelBytes = <usize>k * PANEL_ROW_BYTES;
  for (let blocks = (m + BLOCK_ROWS - 1) / BLOCK_ROWS; blocks > 0; blocks--) {
    const rows = m / blocks;
    block(wide, a, lda, panels, panelBytes, panelCount, bias, c, ldc, rows, k, activation, residual, ldResidual, scratch);
    a += lda * rows;
    c += ldc * rows;
    if (residual != 0) residual += ldResidual * rows;
    m -= rows;
  }
}

/** Bytes of scratch memory that `gemmF32` and `gemmF32Wide` need. */
export function gemmScratchBytes(): usize {
  return <usize>WIDE_FLOATS * 4;
}

/** One block of rows times every panel. */
function block(
  wide: bool, a: usize, lda: usize, panel: usize, panelBytes: usize, panelCount: i32, bias: usize, c: usize, ldc: usize,
  m: i32, k: i32, activation: i32, residual: usize, ldResidual: usize, scratch: usize,
): void {
  const fused = activation != IDENTITY || residual != 0;
  while (panelCount > 0) {
    const step = wide && panelCount > 1 ? 2 : 1;
    const width = panelCount >= ROW_TILE_PANELS ? ROW_TILE_PANELS : step;
    const leadRows = width < ROW_TILE_PANELS ? 0 : m <= MAX_LEAD_ROWS ? m : (m - 2) % TILE_ROWS == 0 ? 2 : 1;
    for (let first = 0; first < k; first += SUM_DEPTH) {
      const depth = min(SUM_DEPTH, k - first);
      const sum: usize = first == 0 ? 0 : scratch;
      let at = a + (<usize>first << 2), pt = panel + <usize>first * PANEL_ROW_BYTES, bt = bias, ct = c;
      for (let row = 0; row < leadRows; row += 2) {
        if (row + 1 < leadRows) leadPair(at, lda, pt, panelBytes, ct, ldc, depth, bias, sum);
        else leadRow(at, pt, panelBytes, ct, depth, bias, sum);
        const led: usize = min(2, leadRows - row);
        at += lda * led;
        ct += ldc * led;
      }
      if (m == leadRows) continue;
      for (let p = 0; p < width; p += step) {
        tiles(step == 2, at, lda, pt, panelBytes, ct, ldc, m - leadRows, depth, bt, sum);
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

/**
 * m rows times one stretch of a panel, or of two if `wide`, as tiles of nearly equal height: 6 rows are 3 + 3, not 4 + 2.
 * The first stretch starts from the bias; later stretches are summed in `sum` and then added.
 */
function tiles(
  wide: bool, a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, ldc: usize, m: i32, k: i32, bias: usize, sum: usize,
): void {
  const count = (m + TILE_ROWS - 1) / TILE_ROWS;
  const low = m / count, tall = m % count;
  for (let t = 0; t < count; t++) {
    const rows = low + i32(t < tall);
    if (sum == 0) {
      if (wide) wideRows(rows, a, lda, panel, panelBytes, c, ldc, k, bias);
      else tileRows(rows, a, lda, panel, c, ldc, k, bias);
    } else if (wide) {
      wideRows(rows, a, lda, panel, panelBytes, sum, 2 * PANEL_ROW_BYTES, k, ZEROS);
      addPanelRows(c, ldc, sum, 2 * PANEL_ROW_BYTES, rows);
      addPanelRows(c + PANEL_ROW_BYTES, ldc, sum + PANEL_ROW_BYTES, 2 * PANEL_ROW_BYTES, rows);
    } else {
      tileRows(rows, a, lda, panel, sum, PANEL_ROW_BYTES, k, ZEROS);
      addPanelRows(c, ldc, sum, PANEL_ROW_BYTES, rows);
    }
    a += lda * rows;
    c += ldc * rows;
  }
}

/** The same for one row and six panels. */
function leadRow(a: usize, panel: usize, panelBytes: usize, c: usize, k: i32, bias: usize, sum: usize): void {
  if (sum == 0) {
    rowTile(a, panel, panelBytes, c, k, bias);
  } else {
    rowTile(a, panel, panelBytes, sum, k, ZEROS);
    addPanelRows(c, PANEL_ROW_BYTES, sum, PANEL_ROW_BYTES, ROW_TILE_PANELS);
  }
}

/** The same for two rows and two times three panels. */
function leadPair(a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, ldc: usize, k: i32, bias: usize, sum: usize): void {
  const width = PANEL_ROW_BYTES * PAIR_TILE_PANELS;
  for (let p = 0; p < ROW_TILE_PANELS; p += PAIR_TILE_PANELS) {
    if (sum == 0) {
      pairTile(a, lda, panel, panelBytes, c, ldc, k, bias);
    } else {
      pairTile(a, lda, panel, panelBytes, sum, width, k, ZEROS);
      addPanelRows(c, PANEL_ROW_BYTES, sum, PANEL_ROW_BYTES, PAIR_TILE_PANELS);
      addPanelRows(c + ldc, PANEL_ROW_BYTES, sum + width, PANEL_ROW_BYTES, PAIR_TILE_PANELS);
    }
    panel += panelBytes * PAIR_TILE_PANELS;
    bias += width;
    c += width;
  }
}

/** c += sum, over rows of one panel's 8 columns. */
function addPanelRows(c: usize, ldc: usize, sum: usize, ldSum: usize, rows: i32): void {
  while (rows > 0) {
    const c0 = f32x4.add(v128.load(c), v128.load(sum)), c1 = f32x4.add(v128.load(c, 16), v128.load(sum, 16));
    v128.store(c, c1, 16); v128.store(c, c0);
    c += ldc;
    sum += ldSum;
    rows--;
  }
}
