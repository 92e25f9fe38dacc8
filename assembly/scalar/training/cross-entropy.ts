/** Cross-entropy and its gradient, row by row. */
import { logarithm } from "../../training/logarithm";
import { at } from "../layout";
import { exp } from "../math";

/**
 * losses[row] (f64) = the cross-entropy of a row of logits with its label; logits = its gradient times `factor`.
 *
 * The target is smoothing / cols on every class, and 1 - smoothing more on the label. A label below 0: loss and gradient are 0.
 */
export function crossEntropy(
  logits: usize, ldLogits: usize, rows: i32, cols: i32, labels: usize, losses: usize, factor: f32, smoothing: f64,
): void {
  for (; rows > 0; rows--, logits += ldLogits, labels += 4, losses += 8) {
    const label = load<i32>(labels);
    if (label < 0) {
      store<f64>(losses, 0);
      for (let j = 0; j < cols; j++) store<f32>(at(logits, j), 0);
      continue;
    }
    let largest: f32 = -Infinity;
    for (let j = 0; j < cols; j++) if (load<f32>(at(logits, j)) > largest) largest = load<f32>(at(logits, j));
    // Relative to the largest logit, so that no sum overflows.
    const ofLabel: f64 = <f64>load<f32>(at(logits, label)) - largest;
    let sum: f64 = 0, total: f64 = 0;
    for (let j = 0; j < cols; j++) {
      const x = load<f32>(at(logits, j)), e = exp(x - largest);
      store<f32>(at(logits, j), e);
      sum += e;
      total += x;
    }
    store<f64>(losses, logarithm(sum) - (1 - smoothing) * ofLabel - smoothing * (total / cols - largest));
    const times: f32 = <f32>(factor / sum), even: f32 = <f32>(factor * smoothing / cols);
    for (let j = 0; j < cols; j++) store<f32>(at(logits, j), load<f32>(at(logits, j)) * times - even);
    store<f32>(at(logits, label), load<f32>(at(logits, label)) - <f32>(factor * (1 - smoothing)));
  }
}
