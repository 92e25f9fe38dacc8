/** The current names of tensors that older programs wrote. */
import type { Checkpoint, StoredTensor } from './checkpoint.js';

/** The bias of the language model's decoder: a model has it under both names, a file often under one. */
const BIAS = 'predictions.bias';
const DECODER_BIAS = 'predictions.decoder.bias';

/**
 * The tensors of a checkpoint by PyTorch's current names: without DataParallel's prefix, and with weight and bias instead of
 * TensorFlow's gamma and beta for layer norms. Messages show the stored names.
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
