/**
 * Every fault of `chunk-faults.ts` at every chunk of a file, once and each time, by Hub id and by URL, in Node and as a page
 * reads: the file comes whole or ERR_SOURCE says why, nothing half-written has the file's name, and the next load goes on
 * from what was kept.
 */
import { getEventListeners } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LoadProgress, SourceOptions } from '../../src/ground/source-options.js';
import type { HttpOptions } from '../../src/http/request.js';
import { openRepository } from '../../src/hub/node/repository.js';
import { openRepository as openInPage } from '../../src/hub/web/repository.js';
import { readFile } from '../../src/platform/node/platform.js';
import { readFile as readInPage } from '../../src/platform/web/platform.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import {
  CHUNK_FAULTS,
  type ChunkFault,
  type Exchange,
  type Outcome,
  outcomeOf,
  sendPart,
  WAYS,
  type Way,
} from './chunk-faults.js';
import { fetchFrom, TestCaches } from './page.js';
import { CHUNK, COMMIT, type HubFile, someFiles, TestHub } from './server.js';

const test = suite('faults at each chunk');

const ROOT = mkdtempSync(join(tmpdir(), 'albert-wasm-chunks-'));
const WEIGHTS = 'model.safetensors';
const FILES = someFiles(4 * CHUNK + 17);
const { bytes: WHOLE } = FILES.get(WEIGHTS) as HubFile;
/** The beginning of each chunk, and the end. */
const STARTS = Array.from({ length: Math.ceil(WHOLE.length / CHUNK) + 1 }, (_, n) => Math.min(n * CHUNK, WHOLE.length));
/** Attempts of one download. */
const MAX_ATTEMPTS = 5;
const STALL_MS = 150;

type LoadOptions = SourceOptions & HttpOptions & { readonly maxBytes?: number };

/** One file's way to a caller, and what is kept of it under its name. */
interface Reader {
  read(options: LoadOptions): Promise<Uint8Array | undefined>;
  kept(): boolean;
  /** What is kept of a download that failed. */
  incomplete(): Uint8Array | undefined;
}

let directories = 0;
const nothing = { kept: () => false, incomplete: () => undefined };
const READERS: Readonly<Record<Way, (hub: TestHub) => Reader>> = {
  'Hub in Node': (hub) => {
    const cacheDir = join(ROOT, String(directories++));
    const folder = join(cacheDir, 'models--owner--name');
    return {
      async read(options) {
        const env = { HF_ENDPOINT: hub.endpoint, HF_HOME: ROOT };
        const { locate } = await openRepository('owner/name', { cacheDir, revision: COMMIT, ...options }, env);
        const path = await locate(WEIGHTS);
        return path === undefined ? undefined : readFileSync(path);
      },
      kept: () => existsSync(join(folder, 'snapshots', COMMIT, WEIGHTS)),
      incomplete() {
        const blobs = readdirSync(join(folder, 'blobs'));
        assert.ok(
          blobs.every((name) => /^[0-9a-f]{64}\.[0-9a-f]{8}\.incomplete$/.test(name)) && blobs.length < 2,
          String(blobs),
        );
        return blobs.length === 0 ? undefined : readFileSync(join(folder, 'blobs', blobs[0]!));
      },
    };
  },
  'URL in Node': (hub) => ({ ...nothing, read: (options) => readFile(new URL(`${hub.cdn}/${WEIGHTS}`), options) }),
  'Hub in a page': (hub) => {
    const cacheDir = String(directories++);
    return {
      ...nothing,
      async read(options) {
        const own = { cacheDir, revision: COMMIT, fetch: fetchFrom(hub), ...options };
        return (await openInPage('owner/name', own)).readFile(WEIGHTS);
      },
      kept: () => [...(caches.stores.get(cacheDir)?.keys() ?? [])].some((url) => url.endsWith(WEIGHTS)),
    };
  },
  'URL in a page': (hub) => ({ ...nothing, read: (options) => readInPage(new URL(`${hub.cdn}/${WEIGHTS}`), options) }),
};
const caches = new TestCaches();

/** How far a file has come, for a server that waits for its reader. */
class Progress {
  readonly loads: number[] = [];
  readonly #waiting: (readonly [bytes: number, resolve: () => void])[] = [];
  /** Called with each report. */
  heard?: (loaded: number) => void;

  readonly onProgress = ({ file, loaded }: LoadProgress) => {
    assert.is(file, WEIGHTS);
    this.loads.push(loaded);
    for (const [bytes, resolve] of this.#waiting) if (loaded >= bytes) resolve();
    this.heard?.(loaded);
  };

  readonly arrived = (bytes: number) =>
    new Promise<void>((resolve) => {
      if (bytes === 0 || (this.loads.at(-1) ?? 0) >= bytes) resolve();
      else this.#waiting.push([bytes, resolve]);
    });
}

interface Case {
  readonly hub: TestHub;
  readonly reader: Reader;
  readonly progress: Progress;
  /** Range and If-Range of each request for the file. */
  readonly asked: { readonly range: string | undefined; readonly ifRange: string | undefined }[];
}

/** Runs one case on servers of its own, whose `answer` says whether it has taken a request for the file. */
async function withCase(
  way: Way,
  at: number,
  answer: (exchange: Exchange) => boolean,
  run: (kase: Case) => Promise<void>,
): Promise<void> {
  const hub = await TestHub.start(FILES);
  const kase: Case = { hub, reader: READERS[way](hub), progress: new Progress(), asked: [] };
  hub.faults.push((request, response) => {
    if (request.method !== 'GET' || !request.url?.startsWith(`/${WEIGHTS}`)) return false;
    const { range, 'if-range': ifRange } = request.headers;
    kase.asked.push({ range, ifRange: ifRange as string | undefined });
    return answer({ request, response, bytes: WHOLE, at, hit: kase.asked.length, arrived: kase.progress.arrived });
  });
  try {
    await run(kase);
  } finally {
    hub.close();
  }
}

function assertBytes(got: Uint8Array | undefined, wanted: Uint8Array): void {
  assert.ok(got !== undefined && Buffer.compare(got, wanted) === 0, `other bytes: ${got?.length} of ${wanted.length}`);
}

/** A load without a fault, after one that failed: from where that one stopped, if anything was kept. */
async function assertMended({ hub, reader, asked }: Case): Promise<void> {
  const left = reader.incomplete();
  assert.not.ok(reader.kept(), 'half a file under its name');
  hub.faults.splice(0, 1, (request) => {
    if (request.url?.startsWith(`/${WEIGHTS}`)) asked.push({ range: request.headers.range, ifRange: undefined });
    return false;
  });
  asked.length = 0;
  assertBytes(await reader.read({ backoffMs: 1 }), WHOLE);
  assert.is(asked[0]?.range, left === undefined ? undefined : `bytes=${left.length}-`);
}

async function runFault(fault: ChunkFault, way: Way, at: number, always: boolean): Promise<void> {
  const first = fault.resumed ? 2 : 1;
  const answer = (exchange: Exchange) => {
    if (exchange.hit < first) void sendPart(exchange, { end: 'reset', ...fault.first });
    else if (exchange.hit > first && !always) return false;
    else void fault.answer(exchange);
    return true;
  };
  await withCase(way, at, answer, async (kase) => {
    const { reader, progress, asked } = kase;
    const options: LoadOptions = {
      backoffMs: 1,
      onProgress: progress.onProgress,
      ...(fault.silent && { stallMs: STALL_MS }),
      ...(fault.maxBytes && { maxBytes: fault.maxBytes(WHOLE.length) }),
    };
    const outcome: Outcome = outcomeOf(always ? fault.always : fault.once, way);
    if (outcome === 'whole') assertBytes(await reader.read(options), WHOLE);
    else if (outcome === 'given') assertBytes(await reader.read(options), fault.given!(WHOLE, at));
    else await expectError(() => reader.read(options), 'ERR_SOURCE', ...outcome);

    const { loads } = progress;
    assert.equal(
      loads,
      loads.toSorted((a, b) => a - b),
      'progress never falls',
    );
    if (outcome === 'whole') assert.is(loads.at(-1), WHOLE.length);
    assert.ok(asked.length <= MAX_ATTEMPTS, `${asked.length} attempts`);
    // What came before the chunk is asked for by no second request.
    if ((fault.resumed || fault.keeps) && asked.length > 1) {
      const ifRange = way.endsWith('Node') && at > 0;
      assert.is(asked[1]!.range, at === 0 ? undefined : `bytes=${at}-`);
      assert.is(asked[1]!.ifRange !== undefined, ifRange);
    }
    if (outcome === 'whole') return;
    if (fault.keeps && Array.isArray(outcome)) {
      assert.is(loads.at(-1), at, 'bytes told of');
      if (way === 'Hub in Node') assertBytes(reader.incomplete() ?? new Uint8Array(), WHOLE.subarray(0, at));
    }
    if (outcome !== 'given') await assertMended(kase);
  });
}

test.before(() => void Object.assign(globalThis, { caches }));
test.after(() => {
  Reflect.deleteProperty(globalThis, 'caches');
  rmSync(ROOT, { recursive: true });
});

let cases = 0;
for (const [name, fault] of Object.entries(CHUNK_FAULTS)) {
  const [from, fromEnd] = fault.chunks ?? [0, 0];
  const last = STARTS.length - 1 - fromEnd;
  const starts = STARTS.filter((_, n) => n >= Math.min(from, last) && n <= last);
  test(name, async () => {
    for (const always of [false, true]) {
      const runs = starts.flatMap((at) =>
        WAYS.map((way) =>
          runFault(fault, way, at, always).catch((error) => {
            throw new Error(`${way}, at byte ${at}, ${always ? 'each time' : 'once'}: ${error.stack}`);
          }),
        ),
      );
      cases += runs.length;
      await Promise.all(runs);
    }
  });
}

test('resets after each chunk: as many attempts as there are, and no more', async () => {
  const step = (chunks: number) => (exchange: Exchange) => {
    const start = Number(/\d+/.exec(exchange.request.headers.range ?? '')?.[0] ?? 0);
    const to = start + chunks * CHUNK;
    if (to >= WHOLE.length) return false;
    void sendPart(exchange, { to, end: 'reset' });
    return true;
  };
  for (const way of WAYS) {
    for (const chunks of [0.75, 1, 2, 3, 4]) {
      await withCase(way, 0, step(chunks), async (kase) => {
        const { reader, progress, asked } = kase;
        const options = { backoffMs: 1, onProgress: progress.onProgress };
        const needed = Math.ceil(WHOLE.length / (chunks * CHUNK));
        if (needed <= MAX_ATTEMPTS) assertBytes(await reader.read(options), WHOLE);
        else await expectError(() => reader.read(options), 'ERR_SOURCE', WEIGHTS);
        const expected = Array.from({ length: Math.min(needed, MAX_ATTEMPTS) }, (_, i) =>
          i === 0 ? undefined : `bytes=${i * chunks * CHUNK}-`,
        );
        assert.equal(
          asked.map(({ range }) => range),
          expected,
        );
        if (needed > MAX_ATTEMPTS) await assertMended(kase);
        cases++;
      });
    }
  }
});

/** Ways to end a load when a chunk has come: as soon as it is told of, or once the connection has broken after it. */
const ENDS: Readonly<Record<string, { answer: ChunkFault['answer']; when: 'told' | 'broken' }>> = {
  'a signal while nothing comes': { answer: (e) => sendPart(e, { end: 'silence' }), when: 'told' },
  'a signal while more comes': {
    answer: async (e) => {
      await sendPart(e, { end: 'silence' });
      e.response.end(e.bytes.subarray(e.at));
    },
    when: 'told',
  },
  'a signal while it waits to ask again': { answer: (e) => sendPart(e, { end: 'reset' }), when: 'broken' },
};

async function runEnd({ answer, when }: (typeof ENDS)[string], way: Way, at: number): Promise<void> {
  const controller = new AbortController();
  let stopped = Number.POSITIVE_INFINITY;
  const stop = () => {
    stopped = Math.min(stopped, performance.now());
    controller.abort();
  };
  const answered = (exchange: Exchange) => {
    if (when === 'broken') exchange.response.socket!.once('close', () => setTimeout(stop, 20));
    void answer(exchange);
    return true;
  };
  await withCase(way, at, answered, async (kase) => {
    const { reader, progress } = kase;
    progress.heard = (loaded) => void (when === 'told' && loaded >= at && stop());
    // Longer than a test may take: the signal must end the wait.
    const options = { backoffMs: 60_000, signal: controller.signal, onProgress: progress.onProgress };
    await expectError(() => reader.read(options), 'ERR_ABORTED');
    assert.ok(performance.now() - stopped < 30_000, 'at once');
    assert.equal(getEventListeners(controller.signal, 'abort'), [], 'listeners left');
    if (way === 'Hub in Node') assert.is(reader.incomplete()?.length ?? 0, progress.loads.at(-1));
    await assertMended(kase);
  });
}

for (const [name, end] of Object.entries(ENDS)) {
  test(name, async () => {
    const runs = WAYS.flatMap((way) => STARTS.slice(0, -1).map((at) => runEnd(end, way, at)));
    cases += runs.length;
    await Promise.all(runs);
  });
}

test('how many', () => stateCases(cases, 1000));

test.run();
