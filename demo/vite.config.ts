/** How the demo is built and served: any folder of a static server, every file a file of its own, threads allowed. */
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What a page needs to share memory with workers. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** Bytes of the models' files: a server that compresses does not say them. */
function sizes(): Record<string, Record<string, number>> {
  const files = (name: string) => readdirSync(path(`models/${name}`));
  return Object.fromEntries(
    ['albert-mini-en', 'albert-mini-en-sst2'].map((name) => [
      name,
      Object.fromEntries(files(name).map((file) => [file, statSync(path(`models/${name}/${file}`)).size])),
    ]),
  );
}

export default defineConfig({
  base: './',
  resolve: { alias: [{ find: /^albert-wasm$/, replacement: path('../dist/index.js') }] },
  define: { MODEL_BYTES: JSON.stringify(sizes()) },
  build: { target: 'esnext', assetsInlineLimit: 0, reportCompressedSize: false },
  preview: { port: 4173, headers },
});
