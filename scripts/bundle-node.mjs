/**
 * Bundles `dist/index.js` for Node into one file: a hundred small modules take three times as long to import.
 *
 * It lies as deep as the modules that it holds, so that what they name relative to themselves is found from there too.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));

const bundle = await rolldown({
  input: `${root}/dist/index.js`,
  platform: 'node',
  external: [/^node:/, ...Object.keys(dependencies)],
  resolve: { conditionNames: ['node', 'import'] },
  onLog(_level, log) {
    throw new Error(log.message);
  },
});
const { output } = await bundle.write({ file: `${root}/dist/node/index.js`, format: 'esm' });

const [{ code, fileName }] = output;
if (output.length !== 1) throw new Error(`one file expected, not ${output.map(({ fileName }) => fileName).join(', ')}`);
for (const [, path] of code.matchAll(/new URL\(\s*["']([^"']+)["'],\s*import\.meta\.url/g)) {
  const file = new URL(path, `file://${root}dist/node/${fileName}`);
  if (!path.endsWith('.') && !existsSync(file))
    throw new Error(`dist/node/${fileName} names ${file}, which is not there`);
}
