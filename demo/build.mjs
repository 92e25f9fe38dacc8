/** Builds the demo into `demo/dist`: static files, with int8 versions of the two small models made on the way. */
import { fileURLToPath } from 'node:url';
import { convert } from 'albert-wasm';
import { build } from 'vite';

for (const name of ['albert-mini-en', 'albert-mini-en-sst2']) {
  const target = new URL(`models/${name}/`, import.meta.url);
  const source = new URL(`../models/${name}/`, import.meta.url);
  await convert(source, target, { dtype: 'int8' });
}
await build({ root: fileURLToPath(new URL('.', import.meta.url)), logLevel: 'warn' });
