/** The gradient of a layer norm, from its normalised rows. Sums are float64. */
import { at } from "../layout";

/** x += y */
export function addRows(x: usize, ldx: usize, y: usize, ldy: usize, rows: i32, cols: i32): void {
  for (; rows > 0; rows--, x += ldx, y += ldy) {
    for (let j = 0; j < cols; j++) store<f32>(at(x, j), load<f32>(at(x, j)) + load<f32>(at(y, j)));
  }
}

/** x = (x + residual, per row of mean 0 and deviation 1); inverses[row] = 1 / that row's deviation; residual 0 means none. */
export function normalizeRows(
  x: usize, ldx: usize, residual: usize, ldResidual: usize, inverses: usize, rows: i32, cols: i32, eps: f32,
): void {
  for (; rows > 0; rows--, x += ldx, inverses += 4) {
    let sum: f64 = 0;
    for (let j = 0; j < cols; j++) {
      const t: f32 = residual == 0 ? load<f32>(at(x, j)) : load<f32>(at(x, j)) + load<f32>(at(residual, j));
      store<f32>(at(x, j), t);
      sum += t;
    }
    const mean = sum / cols;
    let squares: f64 = 0;
    for (let j = 0; j < cols; j++) {
      const deviation: f64 = <f64>load<f32>(at(x, j)) - mean;
      squares += deviation * deviation;
    }
    const inverse = <f64>1 / sqrt<f64>(squares / cols + eps);
    for (let j = 0; j < cols; j++) store<f32>(at(x, j), <f32>((<f64>load<f32>(at(x, j)) - mean) * inverse));
    store<f32>(inverses, <f32>inverse);
    if (residual != 0) residual += ldResidual;
  }
}

/** dgamma += the column sums of dy · x, dbeta += those of dy; 0: not wanted. */
export function normGradientSums(
  dy: usize, ldDy: usize, x: usize, ldx: usize, dgamma: usize, dbeta: usize, rows: i32, cols: i32,
): void {
  for (let j = 0; j < cols; j++) {
    let products: f64 = 0, sum: f64 = 0;
    let from = at(dy, j), normal = at(x, j);
    for (let i = 0; i < rows; i++, from += ldDy, normal += ldx) {
      const d: f64 = load<f32>(from);
      products += d * load<f32>(normal);
      sum += d;
    }
    if (dgamma != 0) store<f32>(at(dgamma, j), <f32>(products + load<f32>(at(dgamma, j))));
    if (dbeta != 0) store<f32>(at(dbeta, j), <f32>(sum + load<f32>(at(dbeta, j))));
  }
}

/** dy = inverse · (g - mean(g) - x · mean(g · x)), where g = dy · gamma. */
export function normGradient(
  dy: usize, ldDy: usize, x: usize, ldx: usize, inverses: usize, gamma: usize, rows: i32, cols: i32,
): void {
  for (; rows > 0; rows--, dy += ldDy, x += ldx, inverses += 4) {
    let sum: f64 = 0, products: f64 = 0;
    for (let j = 0; j < cols; j++) {
      const g: f64 = <f64>load<f32>(at(dy, j)) * load<f32>(at(gamma, j));
      sum += g;
      products += g * load<f32>(at(x, j));
    }
    const mean = sum / cols, slope = products / cols;
    const inverse: f64 = load<f32>(inverses);
    for (let j = 0; j < cols; j++) {
      const g: f64 = <f64>load<f32>(at(dy, j)) * load<f32>(at(gamma, j));
      store<f32>(at(dy, j), <f32>((g - mean - slope * load<f32>(at(x, j))) * inverse));
    }
  }
}
