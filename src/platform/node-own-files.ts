/**
 * The package's own files in Node: beside its code, or, if a bundler has put the code into a file of its own, where the program
 * finds the package by its name.
 */
import { existsSync } from 'node:fs';
// Not by its name, since webpack takes a call of that for its own.
import module from 'node:module';
import { pathToFileURL } from 'node:url';
import { AlbertError } from '../errors.js';

/** What to do where files were left behind. */
export const FILES_ADVICE =
  'where a bundler has taken the code away from its files, leave the packages external, ' +
  "as Next.js does with `serverExternalPackages: ['albert-wasm', '@albert-wasm/…']`";

/**
 * @param name what package.json exports the file as
 * @param beside its URL, unless the code was moved
 * @throws ERR_SOURCE when it is nowhere
 */
export function ownFile(name: string, beside: () => URL): URL {
  let url: URL | undefined;
  try {
    url = beside();
  } catch {
    // A bundle in CommonJS has no `import.meta.url`, and no bundle has our imports.
  }
  // webpack's URLs of files that a page loads have no protocol.
  if (url?.protocol === 'file:' && existsSync(url)) return url;
  const found = resolveByName(`albert-wasm/${name}`);
  if (found === undefined) throw new AlbertError('ERR_SOURCE', `there is no ${url?.href ?? name}; ${FILES_ADVICE}`);
  return found;
}

/** The file that an import of package.json leads to. `import.meta.resolve` would do, but webpack warns of it. */
export function ownImport(name: `#${string}`): URL {
  return pathToFileURL(module.createRequire(import.meta.url).resolve(name));
}

/** The file that the program means by a package's name and a path in it; `undefined` if there is no such file. */
export function resolveByName(specifier: string): URL | undefined {
  const from = (base: () => string) => {
    try {
      return pathToFileURL(module.createRequire(base()).resolve(specifier));
    } catch {
      return undefined;
    }
  };
  return from(() => import.meta.url) ?? from(() => `${process.cwd()}/`);
}
