/** Activation, then residual, applied to a panel's columns of the result while they are still in the first-level cache. */
import { IDENTITY, activate } from "../activation";
import { LANES, PANEL_ROW_BYTES } from "../simd";

/** c = activation(c) + residual, over `rows` rows of `cols` columns, whole panels; residual 0 means none. */
export function epilogue(c: usize, ldc: usize, rows: i32, cols: i32, activation: i32, residual: usize, ldResidual: usize): void {
  if (activation != IDENTITY) activate(c, ldc, rows, cols, activation);
  if (residual == 0) return;
  while (rows > 0) {
    for (let p: usize = 0; p < <usize>(cols / LANES) * PANEL_ROW_BYTES; p += PANEL_ROW_BYTES) {
      const to = c + p, from = residual + p;
      const c0 = f32x4.add(v128.load(to), v128.load(from)), c1 = f32x4.add(v128.load(to, 16), v128.load(from, 16));
      v128.store(to, c1, 16); v128.store(to, c0);
    }
    c += ldc;
    residual += ldResidual;
    rows--;
  }
}
