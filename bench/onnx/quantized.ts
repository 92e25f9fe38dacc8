/** Which products are int8 in an int8 model of ours, so that an ONNX file has the same ones in int8: one choice for both. */
import type { AlbertPreTrainedModel } from '../../src/entry/index.js';
import type { Albert } from '../albert-base.js';

/** The names of the matrices that an int8 model quantises: those whose numbers are no longer the checkpoint's. */
export function quantizedMatrices(
  { tensors }: Pick<Albert, 'tensors'>,
  int8: AlbertPreTrainedModel<object>,
): ReadonlySet<string> {
  const { dtype } = int8.info();
  if (dtype !== 'int8') throw new Error(`expected an int8 model, got ${dtype}`);
  const changed = [...int8.params].filter(([name, { data }]) => {
    const { data: stored } = tensors.get(name) as { data: Float32Array };
    return data.some((value, i) => value !== stored[i]);
  });
  return new Set(changed.map(([name]) => name));
}
