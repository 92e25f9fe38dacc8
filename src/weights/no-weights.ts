/** The error for a source without weights: which files it has, and what to do with them. */
import { AlbertError, mismatch } from '../ground/errors.js';
import type { OpenedSource } from '../ground/source.js';

/** Weights that are not read, by their names, and how to get weights that are. */
const STRANGERS: readonly (readonly [name: RegExp, advice: string])[] = [
  [
    /(^|\/)tf_model\.h5$/,
    "TensorFlow's weights are not read: in Python, convert them with from_pretrained(…, from_tf=True) of the model's class, then save_pretrained(…)",
  ],
  [
    /\.onnx$/,
    'ONNX files are programs and not read: take the checkpoint that they were exported from, often the base_model of its page',
  ],
  [/(^|\/)rust_model\.ot$/, 'rust_model.ot is not read: take the pytorch_model.bin that it was made from'],
  [
    /\.ckpt\b|\.tflite$|(^|\/)saved_model\.pb$/,
    "TensorFlow's checkpoints are not read: transformers-cli convert makes a pytorch_model.bin of them",
  ],
  [
    /\.(safetensors|msgpack|bin|pth?)$/,
    'weights under another name are read when the source is an object of files, such as { "config.json": …, "model.safetensors": … }',
  ],
];

/** The error for a source without any of the files of these names. */
export async function noWeights(source: OpenedSource, names: readonly string[]): Promise<AlbertError> {
  const { files, elsewhere } = (await source.list?.()) ?? {};
  const known = files?.filter((file) => STRANGERS.some(([name]) => name.test(file))) ?? [];
  const shown = known.length > 0 ? known : files;
  const advice = STRANGERS.filter(([name]) => known.some((file) => name.test(file))).map(([, text]) => text);
  if (elsewhere !== undefined) advice.push(elsewhere);
  const { message } = mismatch(
    'ERR_SOURCE',
    'weights',
    names.join(', '),
    shown?.length ? shown : 'none of them',
    source.name,
  );
  return new AlbertError('ERR_SOURCE', [message, ...advice].join('; '));
}
