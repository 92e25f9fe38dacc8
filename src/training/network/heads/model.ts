/** The bare AlbertModel for sentence similarity: the mean of a text's hidden states is its vector. */
import { type Matrix, rowsOf } from '../../../engine/memory.js';
import type { Pass } from '../context.js';
import type { TrainingHead } from '../head.js';
import { labelsOf } from '../request.js';
import { cosineLoss, negativesLoss } from '../similarity.js';

export const model: TrainingHead<void, void> = {
  trained() {},
  plan() {},
  run(pass, _trained, _activations, hidden, dHidden) {
    const { dVectors, config, counts } = pass;
    if (dVectors !== undefined) {
      if (dHidden !== undefined) backwardVectors(pass, dVectors, dHidden);
      return 0;
    }
    const { cosines } = labelsOf('similarity', pass.labels);
    const vectors = vectorsOf(pass, hidden);
    const size = config.hidden_size;
    const { loss, gradient } =
      cosines === undefined ? negativesLoss(vectors, size) : cosineLoss(vectors, size, cosines, counts.labels);
    if (dHidden !== undefined) backwardVectors(pass, gradient, dHidden);
    return loss;
  },
};

/** (sequences, hidden_size): the mean of the hidden states of each sequence's tokens, without those that the mask hides. */
export function vectorsOf({ engine, batch }: Pass, hidden: Matrix): Float64Array {
  const vectors = new Float64Array(batch.sequences * hidden.cols);
  eachToken(batch, (row, sequence, share) => {
    const states = engine.memory.f32(rowsOf(hidden, row, row + 1).address, hidden.cols);
    const at = sequence * hidden.cols;
    for (let i = 0; i < states.length; i++)
      vectors[at + i] = (vectors[at + i] as number) + share * (states[i] as number);
  });
  return vectors;
}

function backwardVectors({ engine, batch }: Pass, gradient: Float64Array, dHidden: Matrix): void {
  eachToken(batch, (row, sequence, share) => {
    const states = engine.memory.f32(rowsOf(dHidden, row, row + 1).address, dHidden.cols);
    const at = sequence * dHidden.cols;
    for (let i = 0; i < states.length; i++) states[i] = share * (gradient[at + i] as number);
  });
}

/** Visits the tokens that count, with their sequence and their share in its mean. */
function eachToken({ rectangles }: Pass['batch'], visit: (row: number, sequence: number, share: number) => void): void {
  for (const { batch, seq, mask, tokens, sequences } of rectangles) {
    for (let b = 0; b < batch; b++) {
      const kept = mask.subarray(b * seq, (b + 1) * seq);
      const count = kept.reduce((sum, value) => sum + value, 0);
      kept.forEach((value, i) => {
        if (value !== 0) visit(tokens.from + b * seq + i, sequences.from + b, 1 / count);
      });
    }
  }
}
