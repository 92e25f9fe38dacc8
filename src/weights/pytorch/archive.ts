/** PyTorch's files since 1.6: a zip archive with `NAME/data.pkl` and each storage as `NAME/data/KEY`. */
import { type Bytes, sliceBytes } from '../../ground/bytes.js';
import { mismatch } from '../../ground/errors.js';
import { MAX_PICKLE_BYTES, type Stored } from './stored.js';
import { EndOfBytes, Unpickler } from './unpickler.js';
import { type Stretch, ZipArchive } from './zip.js';

/** @throws ERR_CHECKPOINT */
export async function readArchive(file: Bytes, name: string): Promise<Stored> {
  const zip = await ZipArchive.open(file, name);
  const wrong = (title: string, expected: string, got: unknown) =>
    mismatch('ERR_CHECKPOINT', title, expected, got, name);
  const pickles = zip.names.filter((entry) => /^[^/]+\/data\.pkl$/.test(entry));
  const [pickleName] = pickles;
  if (pickleName === undefined || pickles.length > 1)
    throw wrong('zip archive', 'one data.pkl in a folder, as PyTorch writes', pickles.length || 'none');
  const folder = pickleName.slice(0, -'data.pkl'.length);
  if (zip.names.some((entry) => entry.startsWith(`${folder}code/`)))
    throw wrong('zip archive', 'a dict of tensors', 'a program (TorchScript)');

  const order = await zip.find(`${folder}byteorder`);
  const text =
    order && new TextDecoder().decode(await sliceBytes(file, order.begin, order.begin + Math.min(order.length, 16)));
  if (text !== undefined && text !== 'little') throw wrong('byteorder', 'little', text);

  const { begin, length } = (await zip.find(pickleName)) as Stretch;
  if (length > MAX_PICKLE_BYTES) throw wrong(pickleName, `at most ${MAX_PICKLE_BYTES} bytes`, length);
  const unpickler = new Unpickler(await sliceBytes(file, begin, begin + length), `${name}, ${pickleName}`);
  try {
    return { root: unpickler.load(), find: ({ key }) => zip.find(`${folder}data/${key}`) };
  } catch (error) {
    throw error instanceof EndOfBytes ? wrong(pickleName, 'a whole pickle', `${length} bytes`) : error;
  }
}
