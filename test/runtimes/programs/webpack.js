/** As `page.js`, with the model's files as the bundler copies them. */
import model from '@albert-wasm/albert-mini-en-sst2';

globalThis.MODEL = model;
await import('./page.js');
