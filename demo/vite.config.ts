/** How the demo is built and served: any folder of a static server, every file a file of its own, threads allowed. */
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Connect, defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** What a page needs to share memory with workers. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** On every answer: Safari refuses a worker's file whose answer, 304 for a file that it has, lacks them. */
const isolate: Connect.NextHandleFunction = (_request, response, next) => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  next();
};

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
  resolve: {
    alias: [
      { find: /^albert-wasm$/, replacement: path('../dist/entry/index.js') },
      { find: /^albert-wasm\/training$/, replacement: path('../dist/entry/training.js') },
    ],
  },
  define: { MODEL_BYTES: JSON.stringify(sizes()) },
  build: { target: 'esnext', assetsInlineLimit: 0, reportCompressedSize: false },
  plugins: [{ name: 'isolate', configurePreviewServer: ({ middlewares }) => void middlewares.use(isolate) }],
  preview: { port: 4173 },
});
