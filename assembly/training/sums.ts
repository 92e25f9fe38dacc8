/** Sums over the rows of a matrix, one per column: gradients of biases and of layer norms. */
import { madd, padded, tailMask } from "../simd";

/** Rows that are summed from zero before their sum is added: one chain over a whole batch would lose digits. */
const SUM_ROWS: i32 = 64;

/** sums[j] += the sum of column j. */
export function columnSums(x: usize, ldx: usize, rows: i32, cols: i32, sums: usize): void {
  assert(rows > 0 && cols > 0 && ldx >= <usize>padded(cols) * 4);
  for (; rows > 0; rows -= SUM_ROWS) {
    const height = min(rows, SUM_ROWS);
    let from = x, to = sums, left = cols;
    for (; left >= 16; left -= 16, from += 64, to += 64) sums16(from, ldx, height, to);
    for (; left > 0; left -= 4, from += 16, to += 16) sums4(from, ldx, height, to, left);
    x += ldx * SUM_ROWS;
  }
}

/** Sixteen columns: one cache line of each row. */
function sums16(x: usize, ldx: usize, rows: i32, sums: usize): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  while (rows > 0) {
    s0 = f32x4.add(s0, v128.load(x)); s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32)); s3 = f32x4.add(s3, v128.load(x, 48));
    x += ldx;
    rows--;
  }
  add(sums, s0); add(sums + 16, s1); add(sums + 32, s2); add(sums + 48, s3);
}

/** The first `cols` of four columns, at most; the padding of the sums is left as it is. */
function sums4(x: usize, ldx: usize, rows: i32, sums: usize, cols: i32): void {
  let s = f32x4.splat(0);
  while (rows > 0) {
    s = f32x4.add(s, v128.load(x));
    x += ldx;
    rows--;
  }
  addFirst(sums, s, cols);
}

/** dgamma += the column sums of dy · x, dbeta += those of dy; 0: not wanted. */
export function normGradientSums(
  dy: usize, ldDy: usize, x: usize, ldx: usize, dgamma: usize, dbeta: usize, rows: i32, cols: i32,
): void {
  assert(rows > 0 && cols > 0 && ldDy >= <usize>padded(cols) * 4 && ldx >= <usize>padded(cols) * 4);
  if (dbeta != 0) columnSums(dy, ldDy, rows, cols, dbeta);
  if (dgamma == 0) return;
  for (; rows > 0; rows -= SUM_ROWS) {
    const height = min(rows, SUM_ROWS);
    let from = dy, factor = x, to = dgamma, left = cols;
    for (; left >= 16; left -= 16, from += 64, factor += 64, to += 64) products16(from, ldDy, factor, ldx, height, to);
    for (; left > 0; left -= 4, from += 16, factor += 16, to += 16) products4(from, ldDy, factor, ldx, height, to, left);
    dy += ldDy * SUM_ROWS;
    x += ldx * SUM_ROWS;
  }
}

function products16(x: usize, ldx: usize, y: usize, ldy: usize, rows: i32, sums: usize): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  while (rows > 0) {
    s0 = madd(v128.load(x), v128.load(y), s0); s1 = madd(v128.load(x, 16), v128.load(y, 16), s1);
    s2 = madd(v128.load(x, 32), v128.load(y, 32), s2); s3 = madd(v128.load(x, 48), v128.load(y, 48), s3);
    x += ldx;
    y += ldy;
    rows--;
  }
  add(sums, s0); add(sums + 16, s1); add(sums + 32, s2); add(sums + 48, s3);
}

function products4(x: usize, ldx: usize, y: usize, ldy: usize, rows: i32, sums: usize, cols: i32): void {
  let s = f32x4.splat(0);
  while (rows > 0) {
    s = madd(v128.load(x), v128.load(y), s);
    x += ldx;
    y += ldy;
    rows--;
  }
  addFirst(sums, s, cols);
}

// @ts-ignore: decorator
@inline
function add(target: usize, sum: v128): void {
  v128.store(target, f32x4.add(v128.load(target), sum));
}

// @ts-ignore: decorator
@inline
function addFirst(target: usize, sum: v128, cols: i32): void {
  add(target, cols >= 4 ? sum : v128.and(sum, tailMask(cols)));
}
