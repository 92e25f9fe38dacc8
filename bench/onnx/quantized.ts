/** Which products are int8 in an int8 model of ours, so that an ONNX file has the same ones in int8: one choice for both. */
import type { AlbertPreTrainedModel } from '../../src/entry/index.js';
import type { Albert } from '../albert-base.js';

/** The dense layer after the attention: with activations of 8 bits, it is multiplied in int8, and float32 stays in `params`. */
const FINE = /\.attention\.dense\.weight$/;

/** The names of the matrices that an int8 model multiplies in int8: those whose numbers are no longer the checkpoint's, and FINE ones. */
export function quantizedMatrices(
  { tensors }: Pick<Albert, 'tensors'>,
  int8: Pick<AlbertPreTrainedModel<object>, 'info' | 'params'>,
): ReadonlySet<string> {
  const { dtype, activationBits } = int8.info();
  if (dtype !== 'int8') throw new Error(`expected an int8 model, got ${dtype}`);
  const quantized = [...int8.params].filter(([name, { data }]) => {
    const { data: stored } = tensors.get(name) as { data: Float32Array };
    return (activationBits === 8 && FINE.test(name)) || data.some((value, i) => value !== stored[i]);
  });
  return new Set(quantized.map(([name]) => name));
}
