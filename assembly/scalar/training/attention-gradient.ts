/** The gradients of one attention head, a query at a time. */
import { at, padded } from "../layout";
import { softmax } from "../softmax";

/** Bytes of scratch memory that `attentionGradient` needs: one query's probabilities, and the gradients of its scores. */
export function attentionGradientScratchBytes(seq: i32, headDim: i32): usize {
  return <usize>padded(seq) * 8;
}

/**
 * dq, dk and dv of `context = (softmax(q · kᵀ · scale + maskBias) ∘ dropoutMask) · v`, given the gradient of the context.
 *
 * @param q (seq, headDim), rows `ldQkv` bytes apart; its keys are `hiddenBytes` further, its values twice that
 * @param dq the same, written whole
 * @param dropoutMask (seq, padded(seq)) factors; 0 without dropout
 */
export function attentionGradient(
  q: usize, dq: usize, ldQkv: usize, hiddenBytes: usize, maskBias: usize, dContext: usize, ldContext: usize,
  seq: i32, headDim: i32, scale: f32, scratch: usize, dropoutMask: usize,
): void {
  const k = q + hiddenBytes, v = k + hiddenBytes, dk = dq + hiddenBytes, dv = dk + hiddenBytes;
  const probs = scratch, dScores = at(scratch, padded(seq));
  for (let j = 0; j < seq; j++) {
    for (let d = 0; d < headDim; d++) {
      store<f32>(at(dk + ldQkv * j, d), 0);
      store<f32>(at(dv + ldQkv * j, d), 0);
    }
  }
  for (let i = 0; i < seq; i++, q += ldQkv, dq += ldQkv, dContext += ldContext) {
    const keep: usize = dropoutMask == 0 ? 0 : at(dropoutMask, i * padded(seq));
    // As in the forward: rounded to float32, a bias of -1e10 absorbs any score.
    for (let j = 0; j < seq; j++) {
      store<f32>(at(probs, j), <f32>(dot(q, k + ldQkv * j, headDim) * scale + load<f32>(at(maskBias, j))));
    }
    softmax(probs, 0, 1, seq);
    let mean: f64 = 0;
    for (let j = 0; j < seq; j++) {
      let dProb = dot(dContext, v + ldQkv * j, headDim);
      if (keep != 0) dProb *= load<f32>(at(keep, j));
      store<f32>(at(dScores, j), <f32>dProb);
      mean += dProb * load<f32>(at(probs, j));
    }
    for (let d = 0; d < headDim; d++) store<f32>(at(dq, d), 0);
    for (let j = 0; j < seq; j++) {
      const p = load<f32>(at(probs, j));
      const kept: f32 = keep == 0 ? p : p * load<f32>(at(keep, j));
      const dScore: f32 = <f32>(p * (load<f32>(at(dScores, j)) - mean) * scale);
      addScaled(dv + ldQkv * j, dContext, headDim, kept);
      addScaled(dk + ldQkv * j, q, headDim, dScore);
      addScaled(dq, k + ldQkv * j, headDim, dScore);
    }
  }
}

function dot(x: usize, y: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) sum += <f64>load<f32>(at(x, i)) * load<f32>(at(y, i));
  return sum;
}

/** x += factor · y */
function addScaled(x: usize, y: usize, n: i32, factor: f32): void {
  for (let i = 0; i < n; i++) store<f32>(at(x, i), load<f32>(at(x, i)) + factor * load<f32>(at(y, i)));
}
