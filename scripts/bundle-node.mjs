/**
 * Bundles what Node imports, and the command line, into one file and small ones beside it: a hundred small modules take three
 * times as long to import. What two entries share is one chunk, so that both have the same classes.
 *
 * They lie as deep as the modules that they hold, so that what those name relative to themselves is found from there too.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dir = `${root}/dist/node`;
const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));

rmSync(dir, { recursive: true, force: true });
const build = await rolldown({
  input: {
    cli: `${root}/dist/entry/cli.js`,
    index: `${root}/dist/entry/index.js`,
    kernels: `${root}/dist/entry/kernels.js`,
    shards: `${root}/dist/shards/index.js`,
    training: `${root}/dist/entry/training.js`,
  },
  platform: 'node',
  external: [/^node:/, ...Object.keys(dependencies)],
  resolve: { conditionNames: ['node', 'import'] },
  onLog(_level, log) {
    throw new Error(log.message);
  },
});
// The modules beside it keep their comments and spaces, a third of this file, and local names; functions keep theirs, for traces.
const comments = { legal: true, annotation: true, jsdoc: false };
const minify = { compress: false, mangle: { toplevel: false, keepNames: true }, codegen: { removeWhitespace: true } };
const { output } = await build.write({ dir, format: 'esm', comments, minify, chunkFileNames: 'shared-[hash].js' });

for (const { code, fileName } of output) {
  for (const [, path] of code.matchAll(/new URL\(\s*["'`]([^"'`]+)["'`],\s*import\.meta\.url/g)) {
    const file = new URL(path, `file://${dir}/${fileName}`);
    if (!path.endsWith('.') && !existsSync(file)) throw new Error(`${fileName} names ${file}, which is not there`);
  }
}
