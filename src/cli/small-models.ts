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

/** The directory of a small model, by its package's name; `undefined` if it is not installed. */
export function smallModel(name: string): string | undefined {
  const directory = packageDirectory(name);
  return directory && fileURLToPath(directory);
}

/** What `--model` names: the directory of a small model if the value is the name of its package and it is installed, else the value. */
export function namedModel(value: string): string {
  return (Object.hasOwn(peerDependencies, value) ? smallModel(value) : undefined) ?? value;
}

/** The directory of any small model that is installed; `undefined` if none is. */
export function anySmallModel(): string | undefined {
  for (const name of Object.keys(peerDependencies)) {
    const directory = smallModel(name);
    if (directory !== undefined) return directory;
  }
  return undefined;
}
