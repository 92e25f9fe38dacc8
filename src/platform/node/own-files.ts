/**
 * The package's own files in Node: beside its code; or, if a bundler has moved the code, where the program finds the package by
 * its name.
 */
import { existsSync } from 'node:fs';
// As a default import: webpack would replace a call of `createRequire` imported by its name.
import module from 'node:module';
import { pathToFileURL } from 'node:url';
import { AlbertError } from '../../ground/errors.js';

/** Advice for an error about files that a bundler has not copied. */
export const FILES_ADVICE =
  'where a bundler has taken the code away from its files, leave the packages external, ' +
  "as Next.js does with `serverExternalPackages: ['albert-wasm', '@albert-wasm/…']`";

/**
 * @param name the name by which package.json exports the file
 * @param beside its URL, unless the code was moved
 * @throws ERR_SOURCE if the file is not found
 */
export function ownFile(name: string, beside: () => URL): URL {
  let url: URL | undefined;
  try {
    url = beside();
  } catch {
    // A CommonJS bundle has no `import.meta.url`, and no bundle has the imports of our package.json.
  }
  // The URLs that webpack makes for files of a page have no protocol.
  if (url?.protocol === 'file:' && existsSync(url)) return url;
  const found = resolveByName(`albert-wasm/${name}`);
  if (found === undefined) throw new AlbertError('ERR_SOURCE', `there is no ${url?.href ?? name}; ${FILES_ADVICE}`);
  return found;
}

/** The file that an import of package.json leads to. `import.meta.resolve` would do the same, but webpack warns about it. */
export function ownImport(name: `#${string}`): URL {
  return pathToFileURL(module.createRequire(import.meta.url).resolve(name));
}

/** The file at a path in a package, by the package's name; `undefined` if there is no such file. */
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
