/** The pages of the engines' tests, built once and served with each set of headers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { type Caching, type FileServer, serveFiles } from './serve.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export interface Pages {
  /** The address of a page, served with these headers. */
  url(page: string, headers?: Record<string, string>, caching?: Caching): Promise<string>;
  close(): Promise<void>;
}

export async function buildPages(): Promise<Pages> {
  const directory = await mkdtemp(`${tmpdir()}/albert-wasm-engines-`);
  const root = path('../page');
  const config = {
    root,
    configFile: false,
    logLevel: 'error',
    resolve: {
      alias: [
        { find: /^albert-wasm\/inline$/, replacement: path('../../../dist/inline.js') },
        { find: /^albert-wasm$/, replacement: path('../../../dist/entry/index.js') },
      ],
    },
    build: {
      outDir: `${directory}/dist`,
      target: 'esnext',
      rolldownOptions: { input: ['engine', 'engine-inline', 'hub'].map((name) => `${root}/${name}.html`) },
    },
  } as const;
  await build(config);
  const servers = new Map<string, FileServer>();
  return {
    async url(page, headers = {}, caching) {
      const key = JSON.stringify([headers, caching]);
      let server = servers.get(key);
      if (server === undefined) {
        server = await serveFiles(config.build.outDir, headers, caching);
        servers.set(key, server);
      }
      return `${server.url}${page}`;
    },
    async close() {
      for (const server of servers.values()) server.close();
      await rm(directory, { recursive: true });
    },
  };
}
