/**
 * Bundles `dist/index.js` for Node into one file: a hundred small modules take three times as long to import. What stands above it,
 * `dist/shards`, becomes a file beside it that imports it, so that both have the same classes.
 *
 * They lie as deep as the modules that they hold, so that what those name relative to themselves is found from there too.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));

await bundle('index.js', 'index.js');
await bundle('shards/index.js', 'shards.js');

async function bundle(from, to) {
  const build = await rolldown({
    input: `${root}/dist/${from}`,
    platform: 'node',
    external: [/^node:/, ...Object.keys(dependencies)],
    resolve: { conditionNames: ['node', 'import'] },
    plugins: [
      { name: 'beside', resolveId: (id) => (id === '../index.js' ? { id: './index.js', external: true } : null) },
    ],
    onLog(_level, log) {
      throw new Error(log.message);
    },
  });
  // The modules beside it keep their comments and spaces, a third of this file, and local names; functions keep theirs, for traces.
  const comments = { legal: true, annotation: true, jsdoc: false };
  const minify = { compress: false, mangle: { toplevel: false, keepNames: true }, codegen: { removeWhitespace: true } };
  const { output } = await build.write({ file: `${root}/dist/node/${to}`, format: 'esm', comments, minify });

  const [{ code, fileName }] = output;
  if (output.length !== 1)
    throw new Error(`one file expected, not ${output.map(({ fileName }) => fileName).join(', ')}`);
  for (const [, path] of code.matchAll(/new URL\(\s*["']([^"']+)["'],\s*import\.meta\.url/g)) {
    const file = new URL(path, `file://${root}dist/node/${fileName}`);
    if (!path.endsWith('.') && !existsSync(file))
      throw new Error(`dist/node/${fileName} names ${file}, which is not there`);
  }
}
