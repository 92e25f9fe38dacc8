/** Names of tensors that older programs have written, in today's words. */
import type { Checkpoint, StoredTensor } from './checkpoint.js';

/** Bias of the language model's decoder, twice in a model and often once in a file. */
const BIAS = 'predictions.bias';
const DECODER_BIAS = 'predictions.decoder.bias';

/**
 * The tensors of a checkpoint with PyTorch's names by those that models have today: without DataParallel's prefix, layer norms
 * with weight and bias where TensorFlow's words are gamma and beta. Messages show them as they are stored.
 */
export function withCurrentNames(checkpoint: Checkpoint): Checkpoint {
  const { naming, tensors } = checkpoint;
  if (naming !== 'pytorch') return checkpoint;
  const named = new Map<string, StoredTensor>();
  for (const [stored, tensor] of tensors) {
    const current = currentName(stored);
    named.set(tensors.has(current) || named.has(current) ? stored : current, tensor);
  }
  const bias = named.get(DECODER_BIAS);
  if (bias !== undefined && !named.has(BIAS)) named.set(BIAS, bias);
  return { ...checkpoint, tensors: named };
}

function currentName(stored: string): string {
  return stored
    .replace(/^module\./, '')
    .replace(/\.gamma$/, '.weight')
    .replace(/\.beta$/, '.bias');
}
