/**
 * The gradients of one attention head. Probabilities are recomputed, eight queries at a time, in a panel that has a row per key
 * and a lane per query: a softmax over rows needs no sum across lanes, and the same panel multiplies on from there. There is
 * never a (seq, seq) matrix.
 */
import { packColumns } from "../gemm/f32-panel";
import { TILE_ROWS, ZEROS, tileRows } from "../gemm/f32-tile";
import { exp } from "../math";
import { LANES, PANEL_ROW_BYTES, madd, padded } from "../simd";
import { transposeBlock } from "./transpose-block";

/**
 * Queries whose probabilities are kept until they are multiplied with the gradient of the context, and the gradients of their
 * scores with the queries. Both products are added to what is there: the more queries, the fewer additions.
 */
const BLOCK: i32 = 48;
const STRIP_ROW_BYTES: usize = BLOCK * 4;

/** Bytes of scratch memory that `attentionGradient` needs. */
export function attentionGradientScratchBytes(seq: i32, headDim: i32): usize {
  const columns = padded(headDim);
  const keys = padded(seq) * headDim, panels = (3 * headDim + 3 * seq) * LANES;
  const strips = 2 * seq * BLOCK, blocks = 2 * BLOCK * columns, sums = 2 * seq * columns;
  return <usize>(keys + panels + strips + blocks + sums + TILE_ROWS * LANES) * 4;
}

/**
 * dq, dk and dv of `context = (softmax(q · kᵀ · scale + maskBias) ∘ dropoutMask) · v`, given the gradient of the context.
 *
 * @param q (seq, headDim), rows `ldQkv` bytes apart; its keys are `hiddenBytes` further, its values twice that
 * @param dq the same; headDim columns of each row are written
 * @param dropoutMask (seq, padded(seq)) factors; 0 without dropout
 */
export function attentionGradient(
  q: usize, dq: usize, ldQkv: usize, hiddenBytes: usize, maskBias: usize, dContext: usize, ldContext: usize,
  seq: i32, headDim: i32, scale: f32, scratch: usize, dropoutMask: usize,
): void {
  assert(seq > 0 && headDim > 0);
  const k = q + hiddenBytes, v = k + hiddenBytes, dk = dq + hiddenBytes, dv = dk + hiddenBytes;
  const width = <usize>padded(headDim) * 4, ldKeys = <usize>padded(seq) * 4, ldKeep = ldKeys;
  const keys = scratch;
  const queryPanel = keys + ldKeys * headDim;
  const contextPanel = queryPanel + PANEL_ROW_BYTES * headDim;
  const dQueryPanel = contextPanel + PANEL_ROW_BYTES * headDim;
  const probs = dQueryPanel + PANEL_ROW_BYTES * headDim;
  const dScores = probs + PANEL_ROW_BYTES * seq;
  const keep = dScores + PANEL_ROW_BYTES * seq;
  const probStrip = keep + PANEL_ROW_BYTES * seq;
  const dScoreStrip = probStrip + STRIP_ROW_BYTES * seq;
  const queryBlock = dScoreStrip + STRIP_ROW_BYTES * seq;
  const contextBlock = queryBlock + width * BLOCK;
  const dKeys = contextBlock + width * BLOCK;
  const dValues = dKeys + width * seq;
  const tile = dValues + width * seq;

  transposeBlock(k, ldQkv, seq, headDim, keys, ldKeys);
  for (let first = 0; first < seq; first += BLOCK) {
    const block = min(BLOCK, seq - first);
    packColumns(q, ldQkv, queryBlock, block, headDim);
    packColumns(dContext, ldContext, contextBlock, block, headDim);
    for (let query = 0; query < block; query += LANES) {
      const lanes = min(LANES, block - query);
      packLanes(q, ldQkv, queryPanel, lanes, headDim);
      packLanes(dContext, ldContext, contextPanel, lanes, headDim);
      multiply(k, ldQkv, queryPanel, probs, seq, headDim);
      multiply(v, ldQkv, contextPanel, dScores, seq, headDim);
      const strip = <usize>query << 2;
      softmaxLanes(probs, maskBias, scale, seq);
      if (dropoutMask != 0) {
        packLanes(dropoutMask, ldKeep, keep, lanes, seq);
        multiplyPanel(dScores, keep, seq);
      }
      softmaxGradient(probs, dScores, dScoreStrip + strip, scale, seq);
      if (dropoutMask != 0) multiplyPanel(probs, keep, seq);
      copyToStrip(probs, probStrip + strip, seq);
      multiply(keys, ldKeys, dScores, dQueryPanel, headDim, seq);
      transposeBlock(dQueryPanel, PANEL_ROW_BYTES, headDim, lanes, dq, ldQkv);
      q += ldQkv * lanes;
      dq += ldQkv * lanes;
      dContext += ldContext * lanes;
      if (dropoutMask != 0) dropoutMask += ldKeep * lanes;
    }
    addProduct(dScoreStrip, queryBlock, dKeys, seq, headDim, block, first == 0, tile);
    addProduct(probStrip, contextBlock, dValues, seq, headDim, block, first == 0, tile);
  }
  copyRows(dKeys, width, dk, ldQkv, seq, headDim);
  copyRows(dValues, width, dv, ldQkv, seq, headDim);
}

/** Packs (lanes, depth) rows as a panel of their transpose; what the lanes beyond hold reaches no result. */
function packLanes(rows: usize, ld: usize, panel: usize, lanes: i32, depth: i32): void {
  transposeBlock(rows, ld, lanes, depth, panel, PANEL_ROW_BYTES);
}

/** out = a · panel, of `rows` rows and one panel of depth k. */
function multiply(a: usize, lda: usize, panel: usize, out: usize, rows: i32, k: i32): void {
  const tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const low = rows / tiles, tall = rows % tiles;
  for (let t = 0; t < tiles; t++) {
    const height = low + i32(t < tall);
    tileRows(height, a, lda, panel, out, PANEL_ROW_BYTES, k, ZEROS);
    a += lda * height;
    out += PANEL_ROW_BYTES * height;
  }
}

/** sums (+)= strip · panels; rows of the strip are `depth` long. */
function addProduct(
  strip: usize, panels: usize, sums: usize, rows: i32, cols: i32, depth: i32, isFirst: bool, tile: usize,
): void {
  const ldSums = <usize>padded(cols) * 4;
  const tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const low = rows / tiles, tall = rows % tiles;
  for (let t = 0; t < tiles; t++) {
    const height = low + i32(t < tall);
    for (let p: usize = 0; p < ldSums; p += PANEL_ROW_BYTES) {
      const panel = panels + p * depth;
      if (isFirst) {
        tileRows(height, strip, STRIP_ROW_BYTES, panel, sums + p, ldSums, depth, ZEROS);
      } else {
        tileRows(height, strip, STRIP_ROW_BYTES, panel, tile, PANEL_ROW_BYTES, depth, ZEROS);
        addTile(sums + p, ldSums, tile, height);
      }
    }
    strip += STRIP_ROW_BYTES * height;
    sums += ldSums * height;
  }
}

/** c += tile */
function addTile(c: usize, ldc: usize, tile: usize, rows: i32): void {
  for (; rows > 0; rows--) {
    v128.store(c, f32x4.add(v128.load(c), v128.load(tile)));
    v128.store(c, f32x4.add(v128.load(c, 16), v128.load(tile, 16)), 16);
    c += ldc;
    tile += PANEL_ROW_BYTES;
  }
}

/** Each lane of x = softmax of that lane · scale + bias. */
function softmaxLanes(x: usize, bias: usize, scale: f32, rows: i32): void {
  const factor = f32x4.splat(scale);
  const end = x + PANEL_ROW_BYTES * rows;
  let top0 = f32x4.splat(-Infinity), top1 = top0;
  for (let p = x; p < end; p += PANEL_ROW_BYTES) {
    // Rounded to float32, a bias of -1e10 absorbs any score: a query that may see no key sees all alike, as in the forward.
    const b = v128.load_splat<f32>(bias);
    const a0 = f32x4.add(f32x4.mul(v128.load(p), factor), b), a1 = f32x4.add(f32x4.mul(v128.load(p, 16), factor), b);
    v128.store(p, a0);
    v128.store(p, a1, 16);
    top0 = f32x4.pmax(top0, a0);
    top1 = f32x4.pmax(top1, a1);
    bias += 4;
  }
  let sum0 = f32x4.splat(0), sum1 = sum0;
  for (let p = x; p < end; p += PANEL_ROW_BYTES) {
    const e0 = exp(f32x4.sub(v128.load(p), top0)), e1 = exp(f32x4.sub(v128.load(p, 16), top1));
    v128.store(p, e0);
    v128.store(p, e1, 16);
    sum0 = f32x4.add(sum0, e0);
    sum1 = f32x4.add(sum1, e1);
  }
  const times0 = f32x4.div(f32x4.splat(1), sum0), times1 = f32x4.div(f32x4.splat(1), sum1);
  for (let p = x; p < end; p += PANEL_ROW_BYTES) {
    v128.store(p, f32x4.mul(v128.load(p), times0));
    v128.store(p, f32x4.mul(v128.load(p, 16), times1), 16);
  }
}

/** dx = x ∘ (dx - the sum over rows of dx ∘ x) · scale, in place and into the strip. */
function softmaxGradient(x: usize, dx: usize, strip: usize, scale: f32, rows: i32): void {
  const factor = f32x4.splat(scale);
  const end = x + PANEL_ROW_BYTES * rows;
  let sum0 = f32x4.splat(0), sum1 = sum0;
  for (let p = x, d = dx; p < end; p += PANEL_ROW_BYTES, d += PANEL_ROW_BYTES) {
    sum0 = madd(v128.load(p), v128.load(d), sum0);
    sum1 = madd(v128.load(p, 16), v128.load(d, 16), sum1);
  }
  for (; x < end; x += PANEL_ROW_BYTES, dx += PANEL_ROW_BYTES, strip += STRIP_ROW_BYTES) {
    const s0 = f32x4.mul(f32x4.mul(v128.load(x), factor), f32x4.sub(v128.load(dx), sum0));
    const s1 = f32x4.mul(f32x4.mul(v128.load(x, 16), factor), f32x4.sub(v128.load(dx, 16), sum1));
    v128.store(dx, s0);
    v128.store(dx, s1, 16);
    v128.store(strip, s0);
    v128.store(strip, s1, 16);
  }
}

/** x *= y */
function multiplyPanel(x: usize, y: usize, rows: i32): void {
  for (; rows > 0; rows--, x += PANEL_ROW_BYTES, y += PANEL_ROW_BYTES) {
    v128.store(x, f32x4.mul(v128.load(x), v128.load(y)));
    v128.store(x, f32x4.mul(v128.load(x, 16), v128.load(y, 16)), 16);
  }
}

function copyToStrip(panel: usize, strip: usize, rows: i32): void {
  for (; rows > 0; rows--, panel += PANEL_ROW_BYTES, strip += STRIP_ROW_BYTES) {
    v128.store(strip, v128.load(panel));
    v128.store(strip, v128.load(panel, 16), 16);
  }
}

function copyRows(from: usize, ldFrom: usize, to: usize, ldTo: usize, rows: i32, cols: i32): void {
  for (; rows > 0; rows--, from += ldFrom, to += ldTo) memory.copy(to, from, <usize>cols * 4);
}
