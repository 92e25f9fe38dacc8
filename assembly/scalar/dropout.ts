/** Dropout whose mask is a pure function of a key and an element's index. */
import { at } from "./layout";

/** The finaliser of MurmurHash3 over a Weyl sequence: 32 well-mixed bits for each index. */
function randomBits(index: i32, key: i32): u32 {
  let x: u32 = index * 0x9e3779b1 + key;
  x = (x ^ (x >>> 16)) * 0x85ebca6b;
  x = (x ^ (x >>> 13)) * 0xc2b2ae35;
  return x ^ (x >>> 16);
}

/** Zeroes each element with probability threshold / 2³² and multiplies the others by `scale`; (row, col) has index row · cols + col. */
export function dropout(x: usize, ldx: usize, rows: i32, cols: i32, key: i32, threshold: u32, scale: f32): void {
  for (let row = 0; row < rows; row++, x += ldx) {
    for (let j = 0; j < cols; j++) {
      store<f32>(at(x, j), randomBits(row * cols + j, key) >= threshold ? load<f32>(at(x, j)) * scale : 0);
    }
  }
}
