/** The bench's page as Vite's development server serves it. */
import { fileURLToPath } from 'node:url';
import { createServer, type ViteDevServer } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Serves the sources as they are: `#platform` is the web twin, and clocks are fine-grained since the page is isolated. */
export async function serve(cacheDir: string): Promise<ViteDevServer> {
  const server = await createServer({
    root: path('../..'),
    configFile: false,
    logLevel: 'error',
    cacheDir,
    optimizeDeps: { entries: 'bench/browser/index.html' },
    resolve: { alias: { '#platform': path('../../src/platform/web/platform.ts'), benchmark: path('benchmark.ts') } },
    server: {
      port: 0,
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
    },
  });
  return server.listen();
}

export function address(server: ViteDevServer): string {
  return `${server.resolvedUrls?.local[0]}bench/browser/`;
}
