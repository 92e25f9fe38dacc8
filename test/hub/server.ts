/** A Hub and the other server that it sends large files to, both on this machine, failing as told. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** Bytes that a body is sent in, one write each. */
export const CHUNK = 4096;

export interface HubFile {
  readonly bytes: Uint8Array;
  /** Large: the Hub redirects to the other server. */
  readonly lfs: boolean;
}

/** Sees each request first; `true` when it has answered. */
export type Fault = (request: IncomingMessage, response: ServerResponse, file: HubFile | undefined) => boolean;

export interface LoggedRequest {
  readonly method: string;
  readonly host: 'hub' | 'cdn';
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function gitSha1(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

export function hashOfFile({ bytes, lfs }: HubFile): string {
  return lfs ? sha256(bytes) : gitSha1(bytes);
}

/** A text-like file in git and a random one in LFS. */
export function someFiles(lfsBytes = 10 * CHUNK + 17): Map<string, HubFile> {
  return new Map([
    ['config.json', { bytes: new TextEncoder().encode('{"model_type":"albert"}\n'), lfs: false }],
    ['model.safetensors', { bytes: new Uint8Array(randomBytes(lfsBytes)), lfs: true }],
  ]);
}

export class TestHub {
  readonly requests: LoggedRequest[] = [];
  readonly faults: Fault[] = [];
  commit = COMMIT;
  /** Files of `owner/name` at every revision. */
  files: Map<string, HubFile>;
  /** Answers only those who show this token. */
  token: string | undefined;
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor(files: Map<string, HubFile>) {
    this.files = files;
    this.#hub = createServer((request, response) => this.#answer('hub', request, response));
    this.#cdn = createServer((request, response) => this.#answer('cdn', request, response));
  }

  static async start(files = someFiles()): Promise<TestHub> {
    const hub = new TestHub(files);
    for (const server of [hub.#hub, hub.#cdn]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return hub;
  }

  get endpoint(): string {
    return originOf(this.#hub);
  }

  get cdn(): string {
    return originOf(this.#cdn);
  }

  close(): void {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** Requests so far, as `GET cdn /model.safetensors`. */
  log(): string[] {
    return this.requests.map(({ method, host, url }) => `${method} ${host} ${url}`);
  }

  #answer(host: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse): unknown {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, host, url, headers });
    // What the real ones let a page see.
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader(
      'access-control-expose-headers',
      'X-Repo-Commit, X-Error-Code, ETag, X-Linked-Size, X-Linked-ETag',
    );
    if (method === 'OPTIONS') {
      return response.writeHead(204, { 'access-control-allow-headers': 'authorization, range' }).end();
    }
    const path = url.split('?')[0]?.split('/') as string[];
    // A file may lie in a folder of the repository: /owner/name/resolve/main/folder/file.
    const inFolder = path.slice(host === 'cdn' ? 1 : 5).join('/');
    const name = this.files.has(inFolder) ? inFolder : (path.at(-1) as string);
    const file = path.length > 6 && name !== inFolder ? undefined : this.files.get(name);
    if (this.faults.some((fault) => fault(request, response, file))) return;
    if (host === 'cdn')
      return file === undefined ? void response.writeHead(404).end() : sendFile(request, response, file);
    if (this.token !== undefined && headers.authorization !== `Bearer ${this.token}`) {
      return response.writeHead(401).end('Invalid credentials');
    }
    if (url.startsWith('/api/models/owner/name/revision/')) {
      const siblings = [...this.files.keys()].map((rfilename) => ({ rfilename }));
      return response.end(JSON.stringify({ id: 'owner/name', siblings }));
    }
    if (!url.startsWith('/owner/name/')) {
      return response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
    }
    response.setHeader('x-repo-commit', this.commit);
    if (file === undefined) return response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    if (url.startsWith('/owner/name/raw/') && file.lfs) {
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(file.bytes)}\nsize ${file.bytes.length}\n`;
      return response.end(pointer);
    }
    if (!file.lfs) return sendFile(request, response, file, `"${gitSha1(file.bytes)}"`);
    const linked = { 'x-linked-etag': `"${sha256(file.bytes)}"`, 'x-linked-size': file.bytes.length };
    response.writeHead(302, { ...linked, location: `${this.cdn}/${name}?signature=secret`, 'content-length': 5 });
    response.end('moved');
  }
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Like the real one's, the other server's ETag looks like a hash and is none. */
export const CDN_ETAG = `"${sha256(new TextEncoder().encode('not the content'))}"`;

/** A file, or the range that was asked for. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes }: HubFile,
  etag = CDN_ETAG,
  stopAt = Number.POSITIVE_INFINITY,
): unknown {
  const { range, 'if-range': ifRange } = request.headers;
  const [, from] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  const start = from === undefined || (ifRange ?? etag) !== etag ? 0 : Number(from);
  if (start > 0 && start >= bytes.length) return response.writeHead(416).end();
  const partial = start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { etag, 'content-length': bytes.length - start, ...partial });
  if (request.method === 'HEAD') return response.end();
  return sendChunks(response, bytes, start, stopAt);
}

/** The body in chunks, without a length unless the head has one; at the chunk `stopAt` the connection breaks. */
export async function sendChunks(response: ServerResponse, bytes: Uint8Array, start = 0, stopAt = Infinity) {
  response.flushHeaders();
  for (let [offset, chunk] = [start, 0]; offset < bytes.length; offset += CHUNK, chunk++) {
    if (chunk === stopAt) {
      // What was written before must have left.
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.socket?.destroy();
      return;
    }
    response.write(bytes.subarray(offset, Math.min(offset + CHUNK, bytes.length)));
  }
  response.end();
}

/** A fault of the first `times` requests that `matches`. */
export function times(count: number, matches: string, act: (...args: Parameters<Fault>) => void): Fault {
  let left = count;
  return (request, response, file) => {
    if (left === 0 || !`${request.method} ${request.url}`.includes(matches)) return false;
    left--;
    act(request, response, file);
    return true;
  };
}

/** The same bytes, compressed although that was not asked for. */
export function sendGzip(request: IncomingMessage, response: ServerResponse, { bytes }: HubFile, etag: string): void {
  const body = gzipSync(bytes);
  response.writeHead(200, { etag, 'content-encoding': 'gzip', 'content-length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}
