/** Tensors of a checkpoint by their names and shapes, without a model: those of a layer that follows one. */
import { mismatch } from '../ground/errors.js';
import type { OpenedSource } from '../ground/source.js';
import { isFloatDtype, readFloat32 } from './checkpoint.js';
import { openCheckpoint } from './open.js';
import { RARE_READERS } from './rare.js';

/**
 * Reads tensors of a source's checkpoint: all of them, or it throws.
 *
 * @param shapes the tensors' names and shapes
 * @returns their numbers, row-major
 * @throws ERR_SOURCE without a checkpoint, ERR_CHECKPOINT, ERR_PARAMETER for what is missing, misshapen or not finite, ERR_ABORTED
 */
export async function readTensors(
  source: OpenedSource,
  shapes: ReadonlyMap<string, readonly number[]>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Float32Array>> {
  const checkpoint = await openCheckpoint(source, { ...RARE_READERS, signal });
  try {
    const read = new Map<string, Float32Array>();
    for (const [name, shape] of shapes) {
      const tensor = checkpoint.tensors.get(name);
      const wanted = `a tensor [${shape.join(', ')}]`;
      if (tensor === undefined) throw mismatch('ERR_PARAMETER', name, wanted, 'none', source.name);
      if (tensor.shape.join() !== shape.join() || !isFloatDtype(tensor.dtype)) {
        throw mismatch('ERR_PARAMETER', name, wanted, `${tensor.dtype} [${tensor.shape.join(', ')}]`, source.name);
      }
      const numbers = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
      await readFloat32(tensor, numbers, 0);
      const fault = numbers.findIndex((value) => !Number.isFinite(value));
      if (fault !== -1) {
        throw mismatch('ERR_PARAMETER', name, 'finite numbers', numbers[fault], `[${fault}] of ${source.name}`);
      }
      read.set(name, numbers);
    }
    return read;
  } finally {
    await checkpoint.close();
  }
}
