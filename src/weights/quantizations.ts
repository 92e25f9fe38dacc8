/** The quantisations that checkpoints come in, one row each. */
import { mismatch } from '../ground/errors.js';
import type { Checkpoint } from './checkpoint.js';
import { INT8 } from './int8.js';
import type { Quantization } from './quantized.js';

const QUANTIZATIONS: readonly Quantization[] = [INT8];

/** The quantisation that `save_pretrained` knows by this dtype, if there is one. */
export function quantizationNamed(dtype: string): Quantization | undefined {
  return QUANTIZATIONS.find((quantization) => quantization.dtype === dtype);
}

/**
 * The quantisation of a checkpoint, if it has one of ours.
 *
 * @throws ERR_CHECKPOINT for a version that this library does not know
 */
export function quantizationOf({ metadata }: Checkpoint): Quantization | undefined {
  const found = QUANTIZATIONS.find((quantization) => quantization.metadata.quantization === metadata.quantization);
  if (found === undefined) return undefined;
  const { quantization_version: version } = metadata;
  const { quantization_version: known } = found.metadata;
  if (version !== known) {
    throw mismatch('ERR_CHECKPOINT', 'quantization_version', `"${known}"`, version ?? 'none');
  }
  return found;
}
