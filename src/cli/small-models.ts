/** The small models that may be installed beside this package: its optional peers. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { packageDirectory } from '#platform';

// By its name: the bundle lies deeper than this file.
const { version, peerDependencies } = JSON.parse(
  readFileSync(new URL(import.meta.resolve('albert-wasm/package.json')), 'utf8'),
);

/** Of this package. */
export const VERSION: string = version;

/** The directory of any small model that is installed; `undefined` if none is. */
export function anySmallModel(): string | undefined {
  for (const name of Object.keys(peerDependencies)) {
    const directory = packageDirectory(name);
    if (directory !== undefined) return fileURLToPath(directory);
  }
  return undefined;
}
