/** `index.js` for Node: where a bundler has moved this code from its files, those that the program finds by the package's name. */
import { existsSync } from 'node:fs';
// Not by its name, since webpack takes a call of that for its own.
import module from 'node:module';
import { pathToFileURL } from 'node:url';

/** Each is written out in full, since bundlers find files by this very expression. */
const beside = () => ({
  'config.json': new URL('./config.json', import.meta.url),
  'model.safetensors': new URL('./model.safetensors', import.meta.url),
  'tokenizer.json': new URL('./tokenizer.json', import.meta.url),
  'tokenizer_config.json': new URL('./tokenizer_config.json', import.meta.url),
});

const byName = (base) => {
  const { resolve } = module.createRequire(base);
  const url = (file) => pathToFileURL(resolve(`@albert-wasm/albert-mini-en-ner/${file}`));
  return {
    'config.json': url('config.json'),
    'model.safetensors': url('model.safetensors'),
    'tokenizer.json': url('tokenizer.json'),
    'tokenizer_config.json': url('tokenizer_config.json'),
  };
};

/** What `find` finds, or nothing: a bundle in CommonJS has no `import.meta.url`, and a package may not be found from a place. */
const attempt = (find) => {
  try {
    return find();
  } catch {
    return undefined;
  }
};

const files = attempt(beside);
const url = files?.['model.safetensors'];
// webpack's URLs of files that a page loads have no protocol.
const isThere = url?.protocol === 'file:' && existsSync(url);
const found = isThere
  ? files
  : (attempt(() => byName(import.meta.url)) ?? attempt(() => byName(`${process.cwd()}/`)) ?? files);
if (found === undefined)
  throw new Error("no files beside the code: a bundler must leave '@albert-wasm/albert-mini-en-ner' external");

export default found;
