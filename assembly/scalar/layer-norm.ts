/** Layer normalisation, with the residual connection before it. */
import { at } from "./layout";

/** out = (t - mean(t)) / sqrt(var(t) + eps) · gamma + beta, where t = x + residual; residual 0 means none. */
export function layerNorm(
  x: usize, ldx: usize, residual: usize, ldResidual: usize, gamma: usize, beta: usize, out: usize, ldOut: usize,
  rows: i32, cols: i32, eps: f32,
): void {
  for (; rows > 0; rows--, x += ldx, out += ldOut) {
    let sum: f64 = 0;
    for (let j = 0; j < cols; j++) {
      const t: f32 = residual == 0 ? load<f32>(at(x, j)) : load<f32>(at(x, j)) + load<f32>(at(residual, j));
      store<f32>(at(out, j), t);
      sum += t;
    }
    const mean = sum / cols;
    let squares: f64 = 0;
    for (let j = 0; j < cols; j++) {
      const deviation: f64 = <f64>load<f32>(at(out, j)) - mean;
      squares += deviation * deviation;
    }
    const inverse = <f64>1 / sqrt<f64>(squares / cols + eps);
    for (let j = 0; j < cols; j++) {
      const normal: f64 = (<f64>load<f32>(at(out, j)) - mean) * inverse;
      store<f32>(at(out, j), <f32>(normal * load<f32>(at(gamma, j)) + load<f32>(at(beta, j))));
    }
    if (residual != 0) residual += ldResidual;
  }
}
