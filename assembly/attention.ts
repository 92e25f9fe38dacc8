/**
 * Scaled dot-product attention of one head of one sequence (Vaswani et al. 2017), a few query rows at a time. Their scores
 * lie in a strip of scratch memory; there is never a (seq, seq) matrix.
 */
import { TILE_ROWS, ZEROS, tileRows } from "./gemm/f32-tile";
import { wideRows } from "./gemm/f32-wide";
import { packColumns } from "./gemm/f32-panel";
import { LANES, PANEL_ROW_BYTES, padded } from "./simd";
import { exponentials, scaleRow } from "./softmax";
import { storeColumns } from "./transpose";

/** Bytes of scratch memory that `attention` needs: the head's keys and values in panels, and the strips. */
export function attentionScratchBytes(seq: i32, headDim: i32): usize {
  const keys = padded(seq) * headDim, values = padded(headDim) * seq;
  const strips = TILE_ROWS * (padded(seq) + padded(headDim));
  return <usize>(keys + values + strips) * 4;
}

/**
 * context = softmax(q · kᵀ · scale + maskBias) · v.
 *
 * k and v are (seq, headDim) slices of one matrix with row stride `ldQkv`, q is a slice of (queries, headDim) with the same stride;
 * context has as many rows, `ldContext` apart; only its headDim columns are written. maskBias holds padded(seq) floats, one per key.
 *
 * @param probs address for the (queries, seq) attention weights, dense; 0 when they are not wanted
 * @param dropoutMask address of (queries, padded(seq)) dropout factors for the weights; 0 without dropout
 */
export function attention(
  q: usize, k: usize, v: usize, ldQkv: usize, maskBias: usize, context: usize, ldContext: usize,
  seq: i32, headDim: i32, scale: f32, scratch: usize, probs: usize, dropoutMask: usize, queries: i32,
): void {
  attend(false, q, k, v, ldQkv, maskBias, context, ldContext, seq, headDim, scale, scratch, probs, dropoutMask, queries);
}

/** Bit for bit the same, by tiles of two panels: faster where the engine pairs vectors, slower elsewhere. */
export function attentionWide(
  q: usize, k: usize, v: usize, ldQkv: usize, maskBias: usize, context: usize, ldContext: usize,
  seq: i32, headDim: i32, scale: f32, scratch: usize, probs: usize, dropoutMask: usize, queries: i32,
): void {
  attend(true, q, k, v, ldQkv, maskBias, context, ldContext, seq, headDim, scale, scratch, probs, dropoutMask, queries);
}

function attend(
  wide: bool, q: usize, k: usize, v: usize, ldQkv: usize, maskBias: usize, context: usize, ldContext: usize,
  seq: i32, headDim: i32, scale: f32, scratch: usize, probs: usize, dropoutMask: usize, queries: i32,
): void {
  assert(seq > 0 && headDim > 0 && queries > 0 && queries <= seq);
  const keys = scratch;
  const values = keys + <usize>(padded(seq) * headDim) * 4;
  const scores = values + <usize>(padded(headDim) * seq) * 4;
  const sums = scores + <usize>(TILE_ROWS * padded(seq)) * 4;
  packKeys(k, ldQkv, keys, seq, headDim, scale);
  packColumns(v, ldQkv, values, seq, headDim);
  const tiles = (queries + TILE_ROWS - 1) / TILE_ROWS;
  const low = queries / tiles, tall = queries % tiles;
  for (let t = 0; t < tiles; t++) {
    const rows = low + i32(t < tall);
    attendRows(wide, rows, q, ldQkv, keys, values, maskBias, scores, sums, context, ldContext, seq, headDim, probs, dropoutMask);
    q += ldQkv * rows;
    context += ldContext * rows;
    if (probs != 0) probs += <usize>(rows * seq) * 4;
    if (dropoutMask != 0) dropoutMask += <usize>(rows * padded(seq)) * 4;
  }
}

/** Packs the keys as panels of kᵀ, 8 keys wide, and scales them: the tile then computes scaled scores. */
function packKeys(k: usize, ldk: usize, panels: usize, seq: i32, headDim: i32, scale: f32): void {
  for (let first = 0; first < seq; first += LANES) {
    packFour(k, ldk, panels, first, seq - 1, headDim, scale);
    packFour(k, ldk, panels + 16, first + 4, seq - 1, headDim, scale);
    panels += <usize>headDim * PANEL_ROW_BYTES;
  }
}

/** Keys `first` to `first + 3`. Lanes after the last key repeat it: their scores are finite and never read. */
function packFour(k: usize, ldk: usize, to: usize, first: i32, last: i32, headDim: i32, scale: f32): void {
  let k0 = k + ldk * min(first, last), k1 = k + ldk * min(first + 1, last);
  let k2 = k + ldk * min(first + 2, last), k3 = k + ldk * min(first + 3, last);
  const factor = f32x4.splat(scale);
  let n = headDim;
  for (; n >= 4; n -= 4) {
    const a = f32x4.mul(v128.load(k0), factor), b = f32x4.mul(v128.load(k1), factor);
    const c = f32x4.mul(v128.load(k2), factor), d = f32x4.mul(v128.load(k3), factor);
    storeColumns(a, b, c, d, to, PANEL_ROW_BYTES);
    k0 += 16; k1 += 16; k2 += 16; k3 += 16;
    to += 4 * PANEL_ROW_BYTES;
  }
  for (; n > 0; n--) {
    store<f32>(to, load<f32>(k0) * scale);
    store<f32>(to, load<f32>(k1) * scale, 4);
    store<f32>(to, load<f32>(k2) * scale, 8);
    store<f32>(to, load<f32>(k3) * scale, 12);
    k0 += 4; k1 += 4; k2 += 4; k3 += 4;
    to += PANEL_ROW_BYTES;
  }
}

/** One strip: scores, softmax, product with the values. */
function attendRows(
  wide: bool, rows: i32, q: usize, ldq: usize, keys: usize, values: usize, maskBias: usize, scores: usize, sums: usize,
  context: usize, ldContext: usize, seq: i32, headDim: i32, probs: usize, dropoutMask: usize,
): void {
  const ldScores = <usize>padded(seq) * 4, ldSums = <usize>padded(headDim) * 4;
  // Sums start from the mask bias: -1e10 absorbs any score, so a fully masked row is uniform.
  tiles(wide, rows, q, ldq, keys, scores, ldScores, headDim, maskBias, PANEL_ROW_BYTES);
  for (let row = 0; row < rows; row++) {
    const strip = scores + ldScores * row;
    scaleRow(strip, seq, <f32>1 / exponentials(strip, seq));
    if (dropoutMask != 0) multiplyRow(strip, dropoutMask + ldScores * row, seq);
    if (probs != 0) memory.copy(probs + <usize>(row * seq) * 4, strip, <usize>seq * 4);
  }
  tiles(wide, rows, scores, ldScores, values, sums, ldSums, seq, ZEROS, 0);
  for (let row = 0; row < rows; row++) memory.copy(context + ldContext * row, sums + ldSums * row, <usize>headDim * 4);
}

/** c = start + a · panels, over as many panels as a row of c is long; start advances `startStep` bytes per panel. */
function tiles(
  wide: bool, rows: i32, a: usize, lda: usize, panels: usize, c: usize, ldc: usize, k: i32, start: usize, startStep: usize,
): void {
  const panelBytes = <usize>k * PANEL_ROW_BYTES;
  let left = ldc;
  if (wide) {
    for (; left > PANEL_ROW_BYTES; left -= 2 * PANEL_ROW_BYTES) {
      wideRows(rows, a, lda, panels, panelBytes, c, ldc, k, start);
      panels += 2 * panelBytes;
      c += 2 * PANEL_ROW_BYTES;
      start += 2 * startStep;
    }
  }
  for (; left > 0; left -= PANEL_ROW_BYTES) {
    tileRows(rows, a, lda, panels, c, ldc, k, start);
    panels += panelBytes;
    c += PANEL_ROW_BYTES;
    start += startStep;
  }
}

/** x[0..n) *= y[0..n). */
function multiplyRow(x: usize, y: usize, n: i32): void {
  for (let vectors = (n + 3) >> 2; vectors > 0; vectors--) {
    v128.store(x, f32x4.mul(v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  }
}
