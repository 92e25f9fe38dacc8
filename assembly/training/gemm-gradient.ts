/** The gradient of a dense layer's weights: which tiles of `../gemm/f32-tile`, in which order. */
import { TILE_ROWS, ZEROS, tileRows } from "../gemm/f32-tile";
import { WIDE_FLOATS, wideRows } from "../gemm/f32-wide";
import { PANEL_ROW_BYTES } from "../simd";

/** Tokens that one accumulator sums, at most, before its sum is added to the gradient; as the products of `../gemm/f32`. */
const SUM_DEPTH: i32 = 384;

/** Rows of xᵀ per block, at most: with the stretch of tokens that they are read for, they fit the second-level cache. */
const BLOCK_ROWS: i32 = 192;

/**
 * gradient += xᵀ · dy, for `panels` neighbouring panels of dy, `tokens` deep, and `inputs` rows of xᵀ.
 *
 * The tokens are summed in stretches of nearly equal length, each from zero, whatever part of the gradient a call computes.
 *
 * @param gradientPanelBytes from one panel of the gradient to the next; its rows are 8 floats
 * @param scratch gemmGradientScratchBytes() of memory that no other thread uses
 */
export function gemmGradient(
  xt: usize, ldXt: usize, dyPanels: usize, gradient: usize, gradientPanelBytes: usize, inputs: i32, tokens: i32, panels: i32,
  scratch: usize,
): void {
  product(false, xt, ldXt, dyPanels, gradient, gradientPanelBytes, inputs, tokens, panels, scratch);
}

/** Bit for bit the same, by tiles of two panels: faster where the engine pairs vectors, slower elsewhere. */
export function gemmGradientWide(
  xt: usize, ldXt: usize, dyPanels: usize, gradient: usize, gradientPanelBytes: usize, inputs: i32, tokens: i32, panels: i32,
  scratch: usize,
): void {
  product(true, xt, ldXt, dyPanels, gradient, gradientPanelBytes, inputs, tokens, panels, scratch);
}

/** Blocks of nearly equal height, and in each stretches of nearly equal length. */
function product(
  wide: bool, xt: usize, ldXt: usize, dyPanels: usize, gradient: usize, gradientPanelBytes: usize, inputs: i32, tokens: i32,
  panels: i32, scratch: usize,
): void {
  assert(inputs > 0 && tokens > 0 && panels > 0);
  assert(ldXt >= <usize>tokens * 4 && gradientPanelBytes >= <usize>inputs * PANEL_ROW_BYTES);
  const panelBytes = <usize>tokens * PANEL_ROW_BYTES;
  const stretches = (tokens + SUM_DEPTH - 1) / SUM_DEPTH;
  for (let blocks = (inputs + BLOCK_ROWS - 1) / BLOCK_ROWS; blocks > 0; blocks--) {
    const rows = inputs / blocks;
    let at = xt, from = dyPanels, left = tokens;
    for (let stretch = stretches; stretch > 0; stretch--) {
      const depth = left / stretch;
      let panel = from, to = gradient;
      for (let p = panels; p > 0; ) {
        const width = wide && p > 1 ? 2 : 1;
        tiles(width == 2, at, ldXt, panel, panelBytes, to, gradientPanelBytes, rows, depth, scratch);
        panel += panelBytes * width;
        to += gradientPanelBytes * width;
        p -= width;
      }
      at += <usize>depth << 2;
      from += <usize>depth * PANEL_ROW_BYTES;
      left -= depth;
    }
    xt += ldXt * rows;
    gradient += PANEL_ROW_BYTES * rows;
    inputs -= rows;
  }
}

/** Bytes of scratch memory that `gemmGradient` and `gemmGradientWide` need. */
export function gemmGradientScratchBytes(): usize {
  return <usize>WIDE_FLOATS * 4;
}

/**
 * A block of rows times one stretch of a panel, or of two if `wide`, as tiles of nearly equal height. Tiles that began with the gradient
 * itself would save 2 % of the time at most (512 tokens; 7 % at 32), and lose digits of a large gradient's small changes.
 */
function tiles(
  wide: bool, a: usize, lda: usize, panel: usize, panelBytes: usize, c: usize, gradientPanelBytes: usize, m: i32, k: i32,
  scratch: usize,
): void {
  const count = (m + TILE_ROWS - 1) / TILE_ROWS;
  const low = m / count, tall = m % count;
  for (let t = 0; t < count; t++) {
    const rows = low + i32(t < tall);
    if (wide) {
      wideRows(rows, a, lda, panel, panelBytes, scratch, 2 * PANEL_ROW_BYTES, k, ZEROS);
      addPanelRows(c, scratch, 2 * PANEL_ROW_BYTES, rows);
      addPanelRows(c + gradientPanelBytes, scratch + PANEL_ROW_BYTES, 2 * PANEL_ROW_BYTES, rows);
    } else {
      tileRows(rows, a, lda, panel, scratch, PANEL_ROW_BYTES, k, ZEROS);
      addPanelRows(c, scratch, PANEL_ROW_BYTES, rows);
    }
    a += lda * rows;
    c += PANEL_ROW_BYTES * rows;
  }
}

/** c += sum, over adjacent rows of one panel. The higher address is stored first, which is what V8 pairs. */
function addPanelRows(c: usize, sum: usize, ldSum: usize, rows: i32): void {
  while (rows > 0) {
    const low = f32x4.add(v128.load(c), v128.load(sum)), high = f32x4.add(v128.load(c, 16), v128.load(sum, 16));
    v128.store(c, high, 16); v128.store(c, low);
    c += PANEL_ROW_BYTES;
    sum += ldSum;
    rows--;
  }
}
