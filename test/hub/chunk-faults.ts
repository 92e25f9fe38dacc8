/**
 * What can go wrong with a file's body at one of its chunks, or with the answer to the request that continues it, and what
 * each way of reading must make of it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CDN_ETAG, CHUNK, sendFile, sendGzip } from './server.js';

/** The ways to a file: by Hub id or by URL, in Node or in a page. A page sends no If-Range. */
export const WAYS = ['Hub in Node', 'URL in Node', 'Hub in a page', 'URL in a page'] as const;
export type Way = (typeof WAYS)[number];

/** `given`: what the server sent is taken, because nothing contradicts it. Words are those of ERR_SOURCE. */
export type Outcome = 'whole' | 'given' | readonly string[];
type Outcomes = Outcome | Readonly<Record<Way, Outcome>>;

/** One request for the file, as the faulty server sees it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly bytes: Uint8Array;
  /** The byte before which the fault is to strike. */
  readonly at: number;
  /** Which request for the file this is, from 1. */
  readonly hit: number;
  /** Resolves when the reader has told of so many bytes, without which a broken connection may take them along. */
  arrived(bytes: number): Promise<void>;
}

export interface ChunkFault {
  /** Answers one request. */
  readonly answer: (exchange: Exchange) => unknown;
  /** Whether it answers the request that continues a body which was reset at the chunk, not the first one. */
  readonly resumed?: boolean;
  /** The first and, from the end, the last chunk that it can strike at; default: 0. */
  readonly chunks?: readonly [first: number, fromEnd: number];
  /** When it happens one time, and when each time. */
  readonly once: Outcomes;
  readonly always: Outcomes;
  /** Whether what came before it is good and continued: the next request asks for the rest, exactly. */
  readonly keeps: boolean;
  /** More than this is not read. */
  readonly maxBytes?: (size: number) => number;
  /** Whether it takes a stall's time. */
  readonly silent?: boolean;
  /** The body as it came. */
  readonly given?: (bytes: Uint8Array, at: number) => Uint8Array;
  /** Of which the first answer is: another file may come after it. */
  readonly first?: Partial<PartOptions>;
}

/** The outcome of one way. */
export function outcomeOf(outcomes: Outcomes, way: Way): Outcome {
  return typeof outcomes === 'string' || Array.isArray(outcomes)
    ? outcomes
    : (outcomes as Readonly<Record<Way, Outcome>>)[way];
}

function each(...outcomes: readonly [node: Outcome, url: Outcome, page: Outcome, pageUrl: Outcome]): Outcomes {
  return Object.fromEntries(WAYS.map((way, i) => [way, outcomes[i]])) as Record<Way, Outcome>;
}

export interface PartOptions {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** The Content-Length of the whole; `undefined` for none. */
  readonly length: number | undefined;
  readonly contentRange: string | undefined;
  /** Before this byte it ends. */
  readonly to: number;
  readonly end: 'reset' | 'close' | 'end' | 'silence' | 'nonsense';
}

/** Sends the range that was asked for up to a byte, then ends as told. */
export async function sendPart(exchange: Exchange, options: Partial<PartOptions> = {}): Promise<void> {
  const { request, response, at, arrived } = exchange;
  const { bytes, etag, to, end }: Omit<PartOptions, 'length' | 'contentRange'> = {
    bytes: exchange.bytes,
    etag: CDN_ETAG,
    to: at,
    end: 'end',
    ...options,
  };
  const start = startOf(request, etag);
  const whole = 'length' in options ? options.length : bytes.length;
  const range = `bytes ${start}-${(whole ?? bytes.length) - 1}/${whole ?? bytes.length}`;
  const contentRange = 'contentRange' in options ? options.contentRange : range;
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    ...(whole !== undefined && { 'content-length': whole - start }),
    ...(start > 0 && contentRange !== undefined && { 'content-range': contentRange }),
  });
  response.flushHeaders();
  for (let offset = start; offset < Math.min(to, bytes.length); offset += CHUNK)
    response.write(bytes.subarray(offset, Math.min(offset + CHUNK, to)));
  if (end === 'end') return void response.end();
  await arrived(to);
  if (end === 'reset') response.socket?.resetAndDestroy();
  if (end === 'close') response.socket?.destroy();
  if (end === 'nonsense') response.socket?.end('no length of a chunk\r\n');
}

function startOf({ headers: { range, 'if-range': ifRange } }: IncomingMessage, etag: string): number {
  const [, from] = /^bytes=(\d+)-$/.exec(range ?? '') ?? [];
  return from === undefined || (ifRange ?? etag) !== etag ? 0 : Number(from);
}

const WORDS = ['model.safetensors'];
const PAGE = '<!doctype html><title>Log in</title>';
const PASSING = [408, 429, 500, 502, 503, 504];
const status =
  (code: number, headers = {}) =>
  ({ response }: Exchange) =>
    response.writeHead(code, headers).end();

/** Faults of the body itself. */
const OF_BODIES: Record<string, ChunkFault> = {
  'a reset': {
    answer: (e) => sendPart(e, { end: 'reset' }),
    once: 'whole',
    always: WORDS,
    keeps: true,
    chunks: [0, 1],
  },
  'a closed connection': {
    answer: (e) => sendPart(e, { end: 'close' }),
    once: 'whole',
    always: WORDS,
    keeps: true,
    chunks: [0, 1],
  },
  'a connection that ends with the last byte': {
    answer: (e) => sendPart(e, { end: 'close' }),
    chunks: [Infinity, 0],
    once: 'whole',
    always: 'whole',
    keeps: true,
  },
  'a connection that ends after the last byte, without a length': {
    answer: (e) => sendPart(e, { length: undefined, end: 'close' }),
    chunks: [Infinity, 0],
    once: 'whole',
    always: 'whole',
    keeps: true,
  },
  silence: {
    answer: (e) => sendPart(e, { end: 'silence' }),
    once: 'whole',
    always: ['nothing arrived for'],
    keeps: true,
    silent: true,
    chunks: [0, 1],
  },
  'an invalid chunk': {
    answer: (e) => sendPart(e, { length: undefined, end: 'nonsense' }),
    once: 'whole',
    always: WORDS,
    keeps: true,
    chunks: [0, 1],
  },
  'a short body without a length': {
    answer: (e) => sendPart(e, { length: undefined }),
    chunks: [0, 1],
    once: each('whole', 'given', ['bytes', 'got'], 'given'),
    always: each(['bytes came'], 'given', ['bytes', 'got'], 'given'),
    keeps: true,
    given: (bytes, at) => bytes.subarray(0, at),
  },
  'a length that is too small': {
    answer: (e) => sendPart(e, { bytes: e.bytes.subarray(0, e.at) }),
    chunks: [0, 1],
    once: each(['bytes', 'got'], 'given', ['bytes', 'got'], 'given'),
    always: each(['bytes', 'got'], 'given', ['bytes', 'got'], 'given'),
    keeps: false,
    given: (bytes, at) => bytes.subarray(0, at),
  },
  'a length that is too large': {
    answer: (e) => sendPart(e, { length: e.bytes.length + CHUNK, end: 'close' }),
    once: each(['bytes', 'got'], 'whole', 'whole', 'whole'),
    always: each(['bytes', 'got'], WORDS, WORDS, WORDS),
    keeps: false,
  },
  'more than the limit': {
    answer: ({ response, bytes, at }) => response.writeHead(200, { etag: CDN_ETAG }).end(longer(bytes, at)),
    // A Hub's limit is the size that it has told.
    maxBytes: (size) => size,
    once: ['at most', 'bytes'],
    always: ['at most', 'bytes'],
    keeps: false,
  },
  'more than the length': {
    answer: (e) =>
      sendPart({ ...e, bytes: longer(e.bytes, e.at) }, { length: e.bytes.length, to: e.bytes.length + e.at + 1 }),
    once: 'whole',
    always: 'whole',
    keeps: false,
  },
  'a wrong byte': {
    answer: (e) => sendPart(e, { bytes: wrongAt(e.bytes, e.at), to: e.bytes.length }),
    chunks: [0, 1],
    once: each('whole', 'given', ['hash'], 'given'),
    always: each(['hash'], 'given', ['hash'], 'given'),
    keeps: false,
    given: wrongAt,
  },
  'a file that changes each time': {
    answer: (e) => sendPart(e, { bytes: e.bytes.map((byte) => byte ^ e.hit), etag: `"${e.hit}"`, end: 'reset' }),
    chunks: [0, 1],
    once: 'whole',
    always: WORDS,
    keeps: false,
  },
};

/** Faults of the answer that is to continue a body. */
const OF_ANSWERS: Record<string, Omit<ChunkFault, 'resumed'>> = {
  'a status that may pass': {
    answer: (e) => status(PASSING[(e.at / CHUNK + e.hit) % PASSING.length]!)(e),
    once: 'whole',
    always: ['HTTP status'],
    keeps: true,
  },
  'status 403': { answer: status(403), once: ['403'], always: ['403'], keeps: true },
  'status 404': { answer: status(404), once: ['404'], always: ['404'], keeps: true },
  'status 416': { answer: status(416), once: 'whole', always: ['HTTP status 416'], keeps: false },
  'status 204': { answer: status(204), once: 'whole', always: ['HTTP status 204'], keeps: false },
  'a redirect to the file': {
    answer: ({ request, response }) => response.writeHead(302, { location: `/elsewhere${request.url}` }).end(),
    once: 'whole',
    always: 'whole',
    keeps: false,
  },
  'a redirect to a closed port': {
    answer: status(302, { location: 'http://127.0.0.1:1/model.safetensors' }),
    once: 'whole',
    always: ['fetch failed'],
    keeps: true,
  },
  'a redirect without a place': { answer: status(302), once: 'whole', always: ['HTTP status 302'], keeps: false },
  'a web page': {
    answer: ({ response }) => response.writeHead(200, { 'content-length': PAGE.length }).end(PAGE),
    once: each(['bytes', `got ${PAGE.length}`], ['a web page'], ['a web page'], ['a web page']),
    always: each(['bytes', `got ${PAGE.length}`], ['a web page'], ['a web page'], ['a web page']),
    keeps: false,
  },
  'a web page without a length': {
    answer: ({ response }) => response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE),
    once: each('whole', ['a web page'], ['a web page'], ['a web page']),
    always: each(['bytes came'], ['a web page'], ['a web page'], ['a web page']),
    keeps: false,
  },
  'the range ignored': {
    answer: ({ request, response, bytes }) => {
      delete request.headers.range;
      return sendFile(request, response, { bytes, lfs: true });
    },
    once: 'whole',
    always: 'whole',
    keeps: false,
  },
  'another range': {
    answer: ({ request, response, bytes }) => {
      request.headers.range = 'bytes=7-';
      return sendFile(request, response, { bytes, lfs: true });
    },
    once: 'whole',
    always: ['HTTP status 206'],
    keeps: false,
  },
  'a range that is not named': {
    answer: (e) => sendPart(ranged(e), { contentRange: undefined, to: e.bytes.length }),
    once: 'whole',
    always: ['HTTP status 206'],
    keeps: false,
  },
  'a range of a longer file': {
    answer: (e) =>
      sendPart(e, { to: e.bytes.length, contentRange: `bytes ${e.at}-${e.bytes.length - 1}/${e.bytes.length + 1}` }),
    once: each(['bytes', 'got'], 'whole', 'whole', 'whole'),
    // Asked for what is past its end it has nothing to say, and is asked for all.
    always: each(['bytes', 'got'], 'whole', 'whole', 'whole'),
    keeps: false,
  },
  'wrong bytes in the right range': {
    answer: (e) => sendPart(e, { bytes: wrongAt(e.bytes, e.at), to: e.bytes.length }),
    once: each('whole', 'given', ['hash'], 'given'),
    always: each(['hash'], 'given', ['hash'], 'given'),
    keeps: false,
    given: wrongAt,
  },
  'a compressed whole': {
    answer: ({ request, response, bytes }) => sendGzip(request, response, { bytes, lfs: true }, CDN_ETAG),
    once: 'whole',
    always: 'whole',
    keeps: false,
  },
  'another file': {
    first: { etag: '"old"' },
    answer: ({ request, response, bytes }) => sendFile(request, response, { bytes, lfs: true }),
    once: 'whole',
    always: 'whole',
    keeps: false,
  },
};

export const CHUNK_FAULTS: Readonly<Record<string, ChunkFault>> = {
  ...OF_BODIES,
  ...Object.fromEntries(
    Object.entries(OF_ANSWERS).map(([name, fault]) => [
      `${name} to the request that continues`,
      { ...fault, resumed: true, chunks: [1, 1] },
    ]),
  ),
};

function longer(bytes: Uint8Array, by: number): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(1 + by)]);
}

function wrongAt(bytes: Uint8Array, at: number): Uint8Array {
  const wrong = bytes.slice();
  wrong[at]! ^= 1;
  return wrong;
}

/** Asked for the whole, it answers with a part all the same. */
function ranged(exchange: Exchange): Exchange {
  exchange.request.headers.range ??= 'bytes=7-';
  delete exchange.request.headers['if-range'];
  return exchange;
}
