/** Static files with headers of the test's choice. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** How a server answers for a file that the browser has already: not asked, as it should, or as some servers do. */
export type Caching = 'no-store' | '304 with headers' | '304 without headers';

export interface FileServer {
  /** With its closing slash. */
  readonly url: string;
  close(): void;
}

export function serveFiles(
  root: string,
  headers: Readonly<Record<string, string>> = {},
  caching: Caching = 'no-store',
): Promise<FileServer> {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url as string, 'http://localhost').pathname));
    const file = path.endsWith('/') ? `${path}index.html` : path;
    const kept =
      caching === 'no-store' ? { 'cache-control': 'no-store' } : { 'cache-control': 'no-cache', etag: '"1"' };
    const bytes = await readFile(join(root, file)).catch(() => undefined);
    if (bytes === undefined) response.writeHead(404, headers).end();
    else if (request.headers['if-none-match'] === '"1"')
      response.writeHead(304, caching === '304 with headers' ? { ...headers, ...kept } : kept).end();
    else
      response
        .writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', ...headers, ...kept })
        .end(bytes);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ url: `http://127.0.0.1:${port}/`, close });
    });
  });
}
