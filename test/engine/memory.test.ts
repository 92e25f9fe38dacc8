/** Linear memory: regions, limits, failed growth. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LinearMemory, matrixBytes, padded } from '../../src/engine/memory.js';
import { expectError } from '../support/expect-error.js';

const memory = suite('memory');
const PAGE = 65_536;

memory('rows are padded to whole panels', () => {
  assert.equal([1, 7, 8, 9, 60, 768].map(padded), [8, 8, 8, 16, 64, 768]);
  assert.is(matrixBytes(3, 9), 3 * 16 * 4);
});

memory('a region is planned first and claimed at once', () => {
  const linear = new LinearMemory(10 * PAGE);
  const region = linear.region();
  const matrix = region.matrix(100, 60);
  assert.is(matrix.stride, 256);
  assert.is(region.take(1) % 64, 0);
  assert.is(linear.used, 0, 'planning takes nothing');
  linear.claim(region);
  assert.is(linear.used, region.end);
  const above = linear.region();
  assert.ok(above.take(4) >= region.end);
  linear.claim(above);
  linear.release(region.end);
  assert.is(linear.region().start, above.start);
});

memory('the limit holds to the byte, and a refusal changes nothing', async () => {
  for (const [bytes, fits] of [
    [10 * PAGE, true],
    [10 * PAGE + 1, false],
  ] as const) {
    const linear = new LinearMemory(10 * PAGE);
    const region = linear.region();
    region.take(bytes);
    if (fits) linear.claim(region);
    else await expectError(() => linear.claim(region), 'ERR_MEMORY', String(10 * PAGE));
    assert.is(linear.used, fits ? bytes : 0);
  }
  const linear = new LinearMemory(PAGE);
  const endless = linear.region();
  endless.take(Number.POSITIVE_INFINITY);
  await expectError(() => linear.claim(endless), 'ERR_MEMORY');
});

memory('an engine that cannot grow is ERR_MEMORY too', async () => {
  const linear = new LinearMemory(100 * PAGE);
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = () => {
    throw new RangeError('no');
  };
  try {
    const region = linear.region();
    region.take(2 * PAGE);
    const error = await expectError(() => linear.claim(region), 'ERR_MEMORY');
    assert.ok(error.cause instanceof RangeError);
    assert.is(linear.used, 0);
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
});

memory(
  'for JavaScript kernels: an ArrayBuffer that their signed addresses reach, and that grows once they have it',
  async () => {
    const linear = new LinearMemory(2 ** 32, 'javascript');
    assert.ok(linear.maxBytes < 2 ** 31);
    assert.instance(linear.wasm.buffer, ArrayBuffer);
    const region = linear.region();
    region.take(2 * PAGE);
    await expectError(() => linear.claim(region), 'ERR_MEMORY');
    assert.is(linear.used, 0);
    linear.wasm.grow = (pages) => {
      const { byteLength } = linear.wasm.buffer;
      Object.assign(linear.wasm, { buffer: new ArrayBuffer(byteLength + pages * PAGE) });
      return byteLength / PAGE;
    };
    linear.claim(region);
    assert.equal([linear.used, linear.bytes], [2 * PAGE, 2 * PAGE]);
  },
);

memory.run();
