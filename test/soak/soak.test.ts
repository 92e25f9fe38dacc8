/**
 * Hours in small: forwards of mixed sizes with a fault in 50, for SOAK_SECONDS (120 unless set). Memory must stand still, the
 * answers too, and calls may not take longer at the end than at the beginning.
 */
import { createHistogram } from 'node:perf_hooks';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AlbertErrorCode, pipeline } from '../../src/entry/index.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';

const soak = suite('soak');

const SECONDS = Number(process.env.SOAK_SECONDS ?? 120);
/** Heap that a run may end above where it stood after its first tenth. */
const HEAP_BYTES = 512 * 1024;
/** Resident memory that a thousand calls may add from there on; in a short run, what an engine takes and gives back. */
const RSS_BYTES = 1024 * 1024;
const MIN_RSS_BYTES = 16 * RSS_BYTES;
/** How much longer the slowest hundredth of the calls may take in the last tenth than in the first. */
const SLOWER = 1.2;
const TEXTS = [1, 2, 3, 5, 8, 13, 21].map((words) => 'a long and winding story of people '.repeat(words));

type Classify = Awaited<ReturnType<typeof pipeline<'sentiment-analysis'>>>;
const MODELS = [{}, { dtype: 'int8' }, { threads: 2 }, { dtype: 'int8', worker: true }] as const;
const FAULTS: readonly (readonly [AlbertErrorCode, (classify: Classify, text: string) => Promise<unknown>])[] = [
  ['ERR_ABORTED', (classify, text) => classify(text, { signal: AbortSignal.abort() })],
  ['ERR_INPUT', (classify, text) => classify(text, { top_k: 0 })],
  ['ERR_INPUT', (classify, text) => classify([text, 1 as unknown as string])],
  ['ERR_INPUT', (classify) => classify.model.forward({ input_ids: [[2, 1e9, 3]] })],
];

async function standing(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  return process.memoryUsage();
}

soak(`${SECONDS} s of mixed sizes and faults`, async () => {
  assert.ok(globalThis.gc, 'needs --expose-gc');
  const models: { classify: Classify; wanted: unknown[]; memoryBytes: number; least: number[] }[] = [];
  for (const options of MODELS) {
    const classify = await pipeline('sentiment-analysis', undefined, options);
    const wanted = await classify(TEXTS);
    models.push({ classify, wanted, memoryBytes: classify.model.info().memoryBytes, least: [] });
  }
  // Per mille of the least that the same call took, in the processor's time: neighbours take little of it.
  const [first, last] = [createHistogram(), createHistogram()];
  const start = performance.now();
  let [calls, faults, callsBefore] = [0, 0, 0];
  let before: NodeJS.MemoryUsage | undefined;
  for (let step = 0, elapsed = 0; elapsed < 1; step++) {
    const { classify, wanted, memoryBytes, least } = models[step % models.length]!;
    const i = Math.floor((step * 5) / models.length) % TEXTS.length;
    if (step % 200 === 199) {
      // Each fault in turn strikes every model.
      const [code, call] = FAULTS[Math.floor(step / 200) % FAULTS.length]!;
      for (const { classify } of models) await expectError(() => call(classify, TEXTS[i]!), code);
      faults += models.length;
    } else {
      const from = process.cpuUsage();
      const answer = await classify(TEXTS[i]!);
      const { user, system } = process.cpuUsage(from);
      assert.equal(answer, wanted[i]);
      calls++;
      if (elapsed < 0.1) least[i] = Math.min(least[i] ?? Infinity, user + system);
      if (elapsed < 0.1 || elapsed > 0.9)
        (elapsed < 0.1 ? first : last).record(Math.ceil((1000 * (user + system)) / least[i]!));
    }
    assert.is(classify.model.info().memoryBytes, memoryBytes);
    elapsed = (performance.now() - start) / 1000 / SECONDS;
    if (before === undefined && elapsed >= 0.1) [before, callsBefore] = [await standing(), calls];
  }
  const after = await standing();
  for (const { classify } of models) await classify.dispose();

  const heap = after.heapUsed - before!.heapUsed;
  const rss = after.rss - before!.rss;
  const [slowest, slowestBefore] = [last.percentile(99), first.percentile(99)];
  console.log(
    `\n${faults} faults; since the first tenth: ${heap} bytes of heap, ${rss} resident; p99 ${slowestBefore} to ${slowest}`,
  );
  assert.ok(heap <= HEAP_BYTES, `the heap grew by ${heap} bytes`);
  assert.ok(
    rss <= Math.max(MIN_RSS_BYTES, (RSS_BYTES * (calls - callsBefore)) / 1000),
    `${rss} bytes more are resident`,
  );
  // Of fewer calls the slowest hundredth is a handful, of which any is the collector's.
  if (last.count >= 1000)
    assert.ok(slowest <= SLOWER * slowestBefore, `p99 went from ${slowestBefore} to ${slowest} per mille`);
  stateCases(calls, SECONDS);
  assert.ok(faults >= models.length);
});

soak.run();
