/** Dropout. Its mask is a pure function of a key and the index of an element: the same seed drops the same elements. */
import { padded } from "./simd";

const LANE_INDEX: usize = memory.data<i32>([0, 1, 2, 3], 16);

/** The finaliser of MurmurHash3 over a Weyl sequence: 32 well-mixed bits for each index. */
// @ts-ignore: decorator
@inline
function randomBits(index: v128, key: v128): v128 {
  let x = i32x4.add(i32x4.mul(index, i32x4.splat(0x9e3779b1)), key);
  x = v128.xor(x, i32x4.shr_u(x, 16));
  x = i32x4.mul(x, i32x4.splat(0x85ebca6b));
  x = v128.xor(x, i32x4.shr_u(x, 13));
  x = i32x4.mul(x, i32x4.splat(0xc2b2ae35));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

/**
 * Zeroes each element with probability threshold / 2³² and multiplies the others by `scale`, in place. Element
 * (row, col) has index row · cols + col, whatever the stride.
 */
export function dropout(x: usize, ldx: usize, rows: i32, cols: i32, key: i32, threshold: u32, scale: f32): void {
  assert(ldx >= <usize>padded(cols) * 4);
  const keys = i32x4.splat(key), limit = i32x4.splat(threshold), factor = f32x4.splat(scale);
  for (let row = 0; row < rows; row++) {
    let index = i32x4.add(i32x4.splat(row * cols), v128.load(LANE_INDEX));
    let p = x;
    for (let n = (cols + 3) >> 2; n > 0; n--) {
      const kept = i32x4.ge_u(randomBits(index, keys), limit);
      v128.store(p, v128.and(f32x4.mul(v128.load(p), factor), kept));
      index = i32x4.add(index, i32x4.splat(4));
      p += 16;
    }
    x += ldx;
  }
}
