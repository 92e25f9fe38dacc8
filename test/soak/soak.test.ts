/**
 * Hours in small: forwards of mixed sizes with faults in between, for SOAK_SECONDS (20 unless set). Memory must stand
 * still, and the answers too.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline } from '../../src/index.js';
import { stateCases } from '../cases.js';

const soak = suite('soak');

const SECONDS = Number(process.env.SOAK_SECONDS ?? 20);
/** Heap that a run may end above where it stood after its first tenth. */
const HEAP_BYTES = 512 * 1024;
const TEXTS = [1, 2, 5, 11, 23, 47, 90].map((words) => 'a long and winding story of people '.repeat(words));

function heap(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

soak(`${SECONDS} s of mixed sizes and faults`, async () => {
  assert.ok(globalThis.gc, 'needs --expose-gc');
  await using classify = await pipeline('sentiment-analysis');
  const wanted = await classify(TEXTS);
  const largest = classify.model.info().memoryBytes;
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000 / SECONDS;
  let [calls, faults, before] = [0, 0, 0];
  for (let step = 0; elapsed() < 1; step++) {
    if (before === 0 && elapsed() > 0.1) before = heap();
    const i = (step * 5) % TEXTS.length;
    if (step % 50 === 49) {
      const failing = step % 100 === 99 ? { signal: AbortSignal.abort() } : { top_k: 0 };
      await classify(TEXTS[i] as string, failing).then(
        () => assert.unreachable('must fail'),
        () => faults++,
      );
    } else {
      assert.equal(await classify(TEXTS[i] as string), wanted[i]);
      calls++;
    }
    assert.is(classify.model.info().memoryBytes, largest);
  }
  const grown = heap() - before;
  assert.ok(grown <= HEAP_BYTES, `the heap grew by ${grown} bytes`);
  stateCases(calls, SECONDS);
  assert.ok(faults > 0 || calls < 50);
});

soak.run();
