/** What thousands of calls leave behind, good ones and failing ones: no page, nothing in use, less heap than one object a call. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertModel } from '../../src/model/models.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { assertHealthy, observed } from '../support/health.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const test = suite('leaks');

const WINDOWS = 10;
const CALLS = 4000;
/**
 * Heap that a window may add, the median of all: 12 bytes a call, where the smallest object that is kept takes 16 and a place in
 * a list. A window is off by 5 bytes a call either way, now and then by 300 KB, as code is compiled and dropped.
 */
const MEDIAN_BYTES = 12 * CALLS;
/** Heap that all of them may add. */
const HEAP_BYTES = 512 * 1024;

type Call = (model: AlbertModel) => Promise<unknown>;

const PATHS: Readonly<Record<string, Call>> = {
  'good calls': (model) => model.forward(TINY_INPUTS, { output_attentions: true, output_hidden_states: true }),
  'bad input': (model) => expectError(() => model.forward({ input_ids: [[97]] }), 'ERR_INPUT'),
  'aborted calls': (model) => {
    const controller = new AbortController();
    const call = model.forward(TINY_INPUTS, { signal: controller.signal });
    setImmediate(() => controller.abort());
    return call.catch((error) => assert.is(error.code, 'ERR_ABORTED'));
  },
  'missing parameters': (model) => expectError(() => model.forward(TINY_INPUTS, { params: {} }), 'ERR_PARAMETER'),
};

async function measure(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  return process.memoryUsage();
}

let calls = 0;
for (const [name, call] of Object.entries(PATHS)) {
  test(`${WINDOWS * CALLS} ${name}`, async () => {
    assert.ok(globalThis.gc, 'needs --expose-gc');
    await using model = await observed(() => AlbertModel.from_config(TINY, { seed: 1 }));
    const measures: NodeJS.MemoryUsage[] = [];
    // The first window is for the engine: code compiles, hidden classes settle.
    for (let window = 0; window <= WINDOWS; window++) {
      for (let i = 0; i < CALLS; i++, calls++) await call(model);
      measures.push(await measure());
    }
    const grown = measures.slice(1).map(({ heapUsed }, i) => heapUsed - measures[i]!.heapUsed);
    const median = grown.toSorted((a, b) => a - b)[WINDOWS / 2]!;
    const all = grown.reduce((sum, bytes) => sum + bytes);
    console.log(`\n${name}: ${(median / CALLS).toFixed(2)} bytes of heap a call, ${all} in all`);
    assert.ok(median <= MEDIAN_BYTES, `${median} bytes a window: ${grown}`);
    assert.ok(all <= HEAP_BYTES, `${all} bytes: ${grown}`);
    const buffers = measures.at(-1)!.arrayBuffers - measures[0]!.arrayBuffers;
    assert.ok(buffers <= 0, `${buffers} bytes of ArrayBuffers`);
    await assertHealthy(model);
  });
}

test('enough calls', () => stateCases(calls, 4 * 44_000));

test.run();
