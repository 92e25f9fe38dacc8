/** One file over HTTP into a sink: resumed where it was interrupted, its size checked, every byte counted. */
import { mismatch } from '../ground/errors.js';
import { Attempt, type HttpOptions, printableUrl, refusal, send } from './request.js';
import { Transient, withRetries } from './retry.js';

/** Where a file's bytes go: memory, or a file on disk. */
export interface Sink {
  /** Bytes held. */
  readonly length: number;
  write(chunk: Uint8Array): void | Promise<void>;
  /** Back to no bytes. */
  restart(): void | Promise<void>;
}

export interface TransferRequest extends HttpOptions {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** The file's bytes, where they are known beforehand. */
  readonly size?: number | undefined;
  /** The most bytes to read. */
  readonly maxBytes: number;
  /** Whether the URL's content never changes: then bytes that the sink already holds may be continued unchecked. */
  readonly immutable?: boolean;
  readonly report: (loaded: number, total: number | undefined) => void;
}

/** An attempt that brought this many more bytes than any before starts the count of failures again. */
const PROGRESS_BYTES = 1 << 20;

/**
 * Fills `sink` with the whole file.
 *
 * @returns the last answer, its body used up; `undefined` for 404 before any byte
 * @throws ERR_SOURCE, ERR_ABORTED, and what the sink throws; the sink then holds the beginning of the file
 */
export async function transfer(request: TransferRequest, sink: Sink): Promise<Response | undefined> {
  /** The strong validator of the bytes in the sink: a server continues them only if the file has not changed. */
  let validator: string | undefined;
  /** The most bytes that the sink has held after an attempt: a download that always breaks there must end. */
  let reached = 0;
  return withRetries(
    printableUrl(request.url),
    async () => {
      const attempt = new Attempt(request);
      try {
        if (sink.length > 0 && validator === undefined && !request.immutable) await sink.restart();
        const start = sink.length;
        const response = await send(request.url, { headers: headersFrom(start) }, request, attempt);
        if (response.status === 404) {
          // A file that existed a moment ago is not an optional one.
          if (reached > 0) throw refusal(request.url, response.status, request);
          return undefined;
        }
        if (start === 0 || !continues(response, start, validator)) {
          if (start > 0) await sink.restart();
          if (response.status !== 200) throw new Transient(`HTTP status ${response.status} for bytes from ${start}`);
        }
        const total = checkedSize(response, request);
        validator = strongValidator(response);
        await readBody(response, sink, total, attempt);
        request.report(sink.length, sink.length);
        return response;
      } finally {
        attempt.end();
      }
    },
    request,
    request.signal,
  );

  function headersFrom(start: number): Record<string, string> {
    // A compressed body has no bytes to count or to continue. Browsers ignore this header and decide themselves.
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    if (start === 0) return headers;
    const range = { ...headers, range: `bytes=${start}-` };
    return validator === undefined || !request.ifRange ? range : { ...range, 'if-range': validator };
  }

  async function readBody(response: Response, sink: Sink, total: number | undefined, attempt: Attempt): Promise<void> {
    const most = total ?? request.maxBytes;
    const reader = response.body?.getReader();
    const next = () =>
      reader &&
      attempt.until(reader.read()).catch((cause) => {
        // Broken after its last byte.
        if (sink.length === total) return undefined;
        throw attempt.broken(cause, progressed(sink));
      });
    request.report(sink.length, total);
    for (let part = await next(); part !== undefined && !part.done; part = await next()) {
      attempt.beat();
      if (!ArrayBuffer.isView(part.value)) throw mismatch('ERR_SOURCE', 'fetch', 'a body of bytes', part.value);
      const length = sink.length + part.value.length;
      if (length > most)
        throw mismatch('ERR_SOURCE', 'body', `at most ${most} bytes`, length, printableUrl(request.url));
      await sink.write(part.value);
      request.report(sink.length, total);
    }
    if (total !== undefined && sink.length < total) {
      const short = `${sink.length} of ${total} bytes came`;
      throw new Transient(short, {}, undefined, progressed(sink));
    }
  }

  function progressed({ length }: Sink): boolean {
    const more = length - reached;
    reached = Math.max(reached, length);
    return more >= PROGRESS_BYTES;
  }
}

/** Whether an answer is the rest of the same file from `start` on. */
function continues({ status, headers }: Response, start: number, validator: string | undefined): boolean {
  const [, first] = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '') ?? [];
  const same = validator === undefined || (headers.get('etag') ?? validator) === validator;
  return status === 206 && Number(first) === start && same && !headers.has('content-encoding');
}

/** The whole file's bytes as the answer has them, `undefined` when it does not say. */
function checkedSize(response: Response, { size, maxBytes, url }: TransferRequest): number | undefined {
  const { headers } = response;
  const [, whole] = /\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
  // The length of a compressed body is not the file's.
  const length = headers.has('content-encoding') ? null : headers.get('content-length');
  const announced = response.status === 206 ? (whole ?? null) : length;
  const total = announced === null ? size : Number(announced);
  if (size !== undefined && total !== size)
    throw mismatch('ERR_SOURCE', 'body', `${size} bytes`, total, printableUrl(url));
  if (total !== undefined && !(total <= maxBytes)) {
    throw mismatch('ERR_SOURCE', 'body', `at most ${maxBytes} bytes`, total, printableUrl(url));
  }
  return total;
}

function strongValidator({ headers }: Response): string | undefined {
  const etag = headers.get('etag');
  return etag?.startsWith('"') && !headers.has('content-encoding') ? etag : undefined;
}
