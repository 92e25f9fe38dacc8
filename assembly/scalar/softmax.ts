/** Softmax over rows, with the maximum subtracted first. */
import { at } from "./layout";
import { exp } from "./math";

/** Softmax of each row, in place. */
export function softmax(x: usize, ldx: usize, rows: i32, cols: i32): void {
  for (; rows > 0; rows--, x += ldx) {
    let largest: f32 = -Infinity;
    for (let j = 0; j < cols; j++) if (load<f32>(at(x, j)) > largest) largest = load<f32>(at(x, j));
    let sum: f64 = 0;
    for (let j = 0; j < cols; j++) {
      const e = exp(load<f32>(at(x, j)) - largest);
      store<f32>(at(x, j), e);
      sum += e;
    }
    const factor: f32 = <f32>(<f64>1 / sum);
    for (let j = 0; j < cols; j++) store<f32>(at(x, j), load<f32>(at(x, j)) * factor);
  }
}
