/** Scaled dot-product attention of one head of one sequence (Vaswani et al. 2017), a query at a time. */
import { at, padded } from "./layout";
import { softmax } from "./softmax";

/** Bytes of scratch memory that `attention` needs: one query's scores. */
export function attentionScratchBytes(seq: i32, headDim: i32): usize {
  return <usize>padded(seq) * 4;
}

/**
 * context = softmax(q · kᵀ · scale + maskBias) · v. k and v are (seq, headDim), q is (queries, headDim), their rows `ldQkv` bytes apart.
 *
 * @param probs where the (queries, seq) attention weights go, dense; 0: not written
 * @param dropoutMask address of (queries, padded(seq)) dropout factors for the weights; 0 without dropout
 */
export function attention(
  q: usize, k: usize, v: usize, ldQkv: usize, maskBias: usize, context: usize, ldContext: usize,
  seq: i32, headDim: i32, scale: f32, scratch: usize, probs: usize, dropoutMask: usize, queries: i32,
): void {
  for (let i = 0; i < queries; i++, q += ldQkv, context += ldContext) {
    // Rounded to float32, a bias of -1e10 absorbs any score: a fully masked row is uniform.
    for (let j = 0; j < seq; j++) {
      store<f32>(at(scratch, j), <f32>(dot(q, 4, k + ldQkv * j, 4, headDim) * scale + load<f32>(at(maskBias, j))));
    }
    softmax(scratch, 0, 1, seq);
    for (let j = 0; j < seq; j++) {
      if (dropoutMask != 0) store<f32>(at(scratch, j), load<f32>(at(scratch, j)) * load<f32>(at(dropoutMask, i * padded(seq) + j)));
      if (probs != 0) store<f32>(at(probs, i * seq + j), load<f32>(at(scratch, j)));
    }
    for (let d = 0; d < headDim; d++) store<f32>(at(context, d), <f32>dot(scratch, 4, at(v, d), ldQkv, seq));
  }
}

/** The sum of x[i] · y[i]; elements are so many bytes apart. */
function dot(x: usize, strideX: usize, y: usize, strideY: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (; n > 0; n--, x += strideX, y += strideY) sum += <f64>load<f32>(x) * load<f32>(y);
  return sum;
}
