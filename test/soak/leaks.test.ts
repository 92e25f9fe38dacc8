/** What a thousand calls leave behind, good ones and failing ones: no page, nothing in use, less heap than one object a call. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertModel } from '../../src/model/heads/index.js';
import { stateCases } from '../cases.js';
import { expectError } from '../expect-error.js';
import { assertHealthy, observed } from '../health.js';
import { TINY, TINY_INPUTS } from '../tiny.js';

const test = suite('leaks');

const WINDOWS = 10;
const CALLS = 1000;
/**
 * Heap that all windows may add: 13 bytes a call, where the smallest object that is kept takes 16 and a place in a list. A
 * single window moves by 60 KB either way, as code is compiled and dropped.
 */
const MOST_BYTES = 128 * 1024;

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
  test(`${WINDOWS} times ${CALLS} ${name}`, async () => {
    assert.ok(globalThis.gc, 'needs --expose-gc');
    await using model = await observed(() => AlbertModel.from_config(TINY, { seed: 1 }));
    const run = async (times: number) => {
      for (let i = 0; i < times; i++, calls++) await call(model);
      return measure();
    };
    // The first window is for the engine: code compiles, hidden classes settle.
    const before = await run(CALLS);
    const after = await run(WINDOWS * CALLS);
    const grown = after.heapUsed - before.heapUsed;
    console.log(`\n${name}: ${grown} bytes of heap after ${WINDOWS * CALLS} calls`);
    assert.ok(grown <= MOST_BYTES, `${grown} bytes`);
    assert.ok(after.arrayBuffers <= before.arrayBuffers, `${after.arrayBuffers - before.arrayBuffers} of ArrayBuffers`);
    await assertHealthy(model);
  });
}

test('enough calls', () => stateCases(calls, 4 * 11_000));

test.run();
