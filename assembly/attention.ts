/**
 * Scaled dot-product attention of one head of one sequence (Vaswani et al. 2017), a few query rows at a time. Their scores
 * lie in a strip of scratch memory; there is never a (seq, seq) matrix.
 */
import { TILE_ROWS, ZEROS, tileRows } from "./gemm/f32-tile";
import { packColumns } from "./gemm/f32-panel";
import { LANES, PANEL_ROW_BYTES, padded } from "./simd";
import { exponentials, scaleRow } from "./softmax";

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
    attendRows(rows, q, ldQkv, keys, values, maskBias, scores, sums, context, ldContext, seq, headDim, probs, dropoutMask);
    q += ldQkv * rows;
    context += ldContext * rows;
    if (probs != 0) probs += <usize>(rows * seq) * 4;
    if (dropoutMask != 0) dropoutMask += <usize>(rows * padded(seq)) * 4;
  }
}

/** Packs the keys as panels of kᵀ, 8 keys wide, and scales them: the tile then computes scaled scores. */
function packKeys(k: usize, ldk: usize, panels: usize, seq: i32, headDim: i32, scale: f32): void {
  for (let first = 0; first < seq; first += LANES) {
    const lanes = min(LANES, seq - first);
    for (let lane = 0; lane < LANES; lane++) {
      // Lanes after the last key repeat it: their scores are finite and never read.
      let from = k + ldk * <usize>(first + min(lane, lanes - 1));
      let to = panels + (<usize>lane << 2);
      for (let n = headDim; n > 0; n--) {
        store<f32>(to, load<f32>(from) * scale);
        from += 4;
        to += PANEL_ROW_BYTES;
      }
    }
    panels += <usize>headDim * PANEL_ROW_BYTES;
  }
}

/** One strip: scores, softmax, product with the values. */
function attendRows(
  rows: i32, q: usize, ldq: usize, keys: usize, values: usize, maskBias: usize, scores: usize, sums: usize,
  context: usize, ldContext: usize, seq: i32, headDim: i32, probs: usize, dropoutMask: usize,
): void {
  const ldScores = <usize>padded(seq) * 4, ldSums = <usize>padded(headDim) * 4;
  // Sums start from the mask bias: -1e10 absorbs any score, so a fully masked row is uniform.
  for (let p: usize = 0; p < ldScores; p += PANEL_ROW_BYTES) {
    tileRows(rows, q, ldq, keys + p * headDim, scores + p, ldScores, headDim, maskBias + p);
  }
  for (let row = 0; row < rows; row++) {
    const strip = scores + ldScores * row;
    scaleRow(strip, seq, <f32>1 / exponentials(strip, seq));
    if (dropoutMask != 0) multiplyRow(strip, dropoutMask + ldScores * row, seq);
    if (probs != 0) memory.copy(probs + <usize>(row * seq) * 4, strip, <usize>seq * 4);
  }
  for (let p: usize = 0; p < ldSums; p += PANEL_ROW_BYTES) {
    tileRows(rows, scores, ldScores, values + p * seq, sums + p, ldSums, seq, ZEROS);
  }
  for (let row = 0; row < rows; row++) memory.copy(context + ldContext * row, sums + ldSums * row, <usize>headDim * 4);
}

/** x[0..n) *= y[0..n). */
function multiplyRow(x: usize, y: usize, n: i32): void {
  for (let vectors = (n + 3) >> 2; vectors > 0; vectors--) {
    v128.store(x, f32x4.mul(v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  }
}
