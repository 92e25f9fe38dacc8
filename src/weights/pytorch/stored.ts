/** What both of PyTorch's formats hold: an object, and the storages that it mentions. */
import type { Storage, Value } from './values.js';
import type { Stretch } from './zip.js';

/** An object without its numbers: 4,096 tensors take 1 MB. */
export const MAX_PICKLE_BYTES = 2 ** 24;

export interface Stored {
  readonly root: Value;
  /** Where the bytes of a storage lie in the file; `undefined` if there are no bytes. */
  find(storage: Storage): Promise<Stretch | undefined>;
}
