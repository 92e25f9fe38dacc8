/** Work shared by claiming: every chunk runs once, and a worker that fails, dies or never comes is survived. */
import { compileString } from 'assemblyscript/asc';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Threads } from '../../src/engine/threads.js';
import type { Kernel } from '../../src/engine/work-queue.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { resources, resourcesBeside } from '../support/resources.js';

const threads = suite('threads');

/** Kernels whose scratch pointer tells who runs them: 0 the caller, more a worker. */
const KERNELS = ['count', 'trap', 'hang', 'meet'];
const SOURCE = `
  /** Not atomic: two threads in one chunk, or one chunk twice, would show. */
  export function count(cell: usize, by: i32, thread: usize): void { store<i32>(cell, load<i32>(cell) + by); }
  function claimedByWorker(flag: usize, thread: usize): bool {
    if (thread != 0) { atomic.store<i32>(flag, 1); return true; }
    while (atomic.load<i32>(flag) == 0) {}
    return false;
  }
  /** The caller waits until a worker has claimed another chunk, so that one always does. */
  export function trap(flag: usize, by: i32, thread: usize): void { if (claimedByWorker(flag, thread)) unreachable(); }
  export function hang(flag: usize, by: i32, thread: usize): void { if (claimedByWorker(flag, thread)) while (true) {} }
  export function meet(flag: usize, by: i32, thread: usize): void { claimedByWorker(flag, thread); }
`;
const { binary, stderr } = await compileString(SOURCE, {
  runtime: 'stub',
  importMemory: true,
  initialMemory: 1,
  maximumMemory: 1,
  sharedMemory: true,
  enable: ['threads'],
  use: ['abort='],
  optimizeLevel: 3,
});
if (binary === null) throw new Error(stderr.toString());
const module = await WebAssembly.compile(binary as BufferSource);

interface Pool {
  readonly threads: Threads;
  readonly memory: WebAssembly.Memory;
  /** The 64 cells of `count`, the flag of the others in the first. */
  readonly cells: Int32Array;
  run(kernel: string, chunks: number, by?: number): void;
}

/** @param options `patience` is for the workers' starts too, and a machine that others fill takes seconds for them */
function makePool(count: number, options: { workerUrl?: URL; patience?: number } = {}): Pool {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const pool = new Threads(
    { memory, modules: [{ module, kernels: KERNELS }] },
    KERNELS.map((name) => exports[name] as Kernel),
    { count, ...options },
  );
  const cells = new Int32Array(memory.buffer, 4096, 512);
  return {
    threads: pool,
    memory,
    cells,
    run(kernel, chunks, by = 1) {
      // The others wait for a worker, for ever if there is none.
      if (kernel !== 'count') assert.is(pool.whyNot, undefined);
      const calls = Array.from({ length: chunks }, (_, i) => [4096 + (kernel === 'count' ? i * 4 : 0), by, 0]);
      cells[0] = kernel === 'count' ? (cells[0] as number) : 0;
      pool.run({ kernel: KERNELS.indexOf(kernel), calls, scratch: { argument: 2, bytes: 1 } });
    },
  };
}

/** Workers that others wrote: what may go wrong with one. */
function workerOf(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
const READY = `
  import { parentPort, workerData } from 'node:worker_threads';
  parentPort.postMessage('ready');
`;

threads('100,000 operations of tiny chunks, each chunk run once', async () => {
  const pool = makePool(3);
  await pool.threads.ready();
  const wanted = new Int32Array(512);
  let operations = 0;
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 1000; i++, operations++) {
      const chunks = i === 0 ? 300 : 1 + ((i * 7 + round) % 6);
      pool.run('count', chunks, i + 1);
      for (let chunk = 0; chunk < chunks; chunk++) wanted[chunk] = ((wanted[chunk] as number) + i + 1) | 0;
      if (chunks <= 6) {
        for (let chunk = 0; chunk < chunks; chunk++) {
          if (pool.cells[chunk] !== wanted[chunk]) assert.unreachable(`operation ${operations}, chunk ${chunk}`);
        }
      }
    }
    assert.equal(pool.cells, wanted, `round ${round}`);
    // Now and then the workers fall asleep.
    await new Promise((resolve) => setTimeout(resolve, round % 4));
  }
  await pool.threads.end();
  stateCases(operations, 100_000);
});

threads('workers do take part', async () => {
  const pool = makePool(2);
  await pool.threads.ready();
  for (let i = 0; i < 100; i++) pool.run('meet', 2);
  assert.is(pool.threads.count, 2);
  assert.is(pool.threads.whyNot, undefined);
  await pool.threads.end();
});

threads('a caller that may not sleep, as in a page, waits without', async () => {
  const { wait } = Atomics;
  let slept = 0;
  Atomics.wait = () => {
    slept++;
    throw new TypeError('Atomics.wait cannot be called in this context');
  };
  try {
    const pool = makePool(2, { patience: 4000 });
    await pool.threads.ready();
    // Asked once, and never again.
    assert.is(slept, 1);
    for (let i = 0; i < 100; i++) pool.run('meet', 2);
    // It waits for the one that hangs as long as it would asleep.
    await expectError(() => pool.run('hang', 2), 'ERR_WORKER', 'did not finish');
    await pool.threads.end();
    assert.is(slept, 1);
  } finally {
    Atomics.wait = wait;
  }
});

threads('a chunk that traps in a worker is ERR_WORKER with its message; the next operation is right', async () => {
  const pool = makePool(2);
  await pool.threads.ready();
  for (let i = 1; i <= 50; i++) {
    await expectError(() => pool.run('trap', 2), 'ERR_WORKER', 'unreachable');
    pool.cells.fill(0);
    pool.run('count', 64, i);
    assert.equal([...pool.cells.subarray(0, 64)], new Array(64).fill(i));
    await pool.threads.ready();
  }
  assert.is(pool.threads.count, 2);
  await pool.threads.end();
});

threads('a worker that hangs in a chunk is given up, and replaced', async () => {
  const pool = makePool(3, { patience: 4000 });
  await pool.threads.ready();
  for (let i = 1; i <= 2; i++) {
    await expectError(() => pool.run('hang', 3), 'ERR_WORKER', 'did not finish');
    await pool.threads.ready();
    pool.run('meet', 2);
    pool.cells.fill(0);
    pool.run('count', 64, i);
    assert.equal([...pool.cells.subarray(0, 64)], new Array(64).fill(i));
  }
  assert.is(pool.threads.count, 3);
  await pool.threads.end();
});

threads('a worker that dies in a chunk is given up', async () => {
  const workerUrl = workerOf(`${READY}
    const words = new Int32Array(workerData.block);
    for (let left = 0; ; left = Atomics.load(words, 0)) {
      if (left > 0 && Atomics.compareExchange(words, 0, left, left - 1) === left) process.exit(1);
    }
  `);
  const pool = makePool(2, { workerUrl, patience: 4000 });
  await pool.threads.ready();
  let lost = 0;
  for (let i = 0; i < 20 && lost < 3; i++) {
    try {
      for (let j = 0; j < 1000; j++) pool.run('count', 100);
    } catch (error) {
      assert.match((error as Error).message, 'a worker was lost');
      lost++;
    }
    await pool.threads.ready();
    assert.is(pool.threads.count, 2);
  }
  assert.is(lost, 3);
  await pool.threads.end();
});

threads('a worker that dies while it has nothing to do is not missed, and replaced', async () => {
  const workerUrl = workerOf(`${READY} setTimeout(() => process.exit(0), 10);`);
  const pool = makePool(2, { workerUrl });
  await pool.threads.ready();
  for (let i = 1; i <= 5; i++) {
    pool.cells.fill(0);
    pool.run('count', 64, i);
    assert.equal([...pool.cells.subarray(0, 64)], new Array(64).fill(i));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pool.threads.ready();
    assert.is(pool.threads.count, 2);
  }
  await pool.threads.end();
});

/** `meet` and `hang` of another instance over the same memory, under indices of their own. */
async function extend(pool: Pool): Promise<(kernel: 'meet' | 'hang', chunks: number) => void> {
  const names = ['meet', 'hang'] as const;
  const { exports } = new WebAssembly.Instance(module, { env: { memory: pool.memory } });
  const first = await pool.threads.extend(
    { module, kernels: names },
    names.map((name) => exports[name] as Kernel),
  );
  assert.is(first, KERNELS.length);
  return (kernel, chunks) => {
    pool.cells[0] = 0;
    const calls = Array.from({ length: chunks }, () => [4096, 1, 0]);
    pool.threads.run({ kernel: first + names.indexOf(kernel), calls, scratch: { argument: 2, bytes: 1 } });
  };
}

threads('kernels of a second module run on every thread, and still do when a lost worker is replaced', async () => {
  const pool = makePool(2, { patience: 6000 });
  const run = await extend(pool);
  const meet = () => {
    assert.is(pool.threads.whyNot, undefined);
    for (let i = 0; i < 50; i++) run('meet', 2);
    for (let i = 0; i < 50; i++) pool.run('meet', 2);
  };
  meet();
  await expectError(() => run('hang', 2), 'ERR_WORKER', 'did not finish');
  await pool.threads.ready();
  meet();
  await pool.threads.end();
});

threads('without workers the caller runs the kernels of a second module alone', async () => {
  const pool = makePool(2, { workerUrl: workerOf('throw new Error("broken")') });
  await pool.threads.ready();
  let called = 0;
  const first = await pool.threads.extend({ module, kernels: ['meet'] }, [() => called++]);
  assert.is(pool.threads.count, 1);
  assert.match(pool.threads.whyNot as string, /broken/);
  pool.threads.run({ kernel: first, calls: [[], [], []] });
  assert.is(called, 3);
  await pool.threads.end();
});

const UNSTARTABLE: readonly (readonly [string, URL, RegExp])[] = [
  ['a file that is missing', new URL('file:///no/such/worker.js'), /Cannot find module/],
  ['a URL that this engine starts no worker from', new URL('http://localhost/worker.js'), /URL|path/],
  ['one that throws at load', workerOf('throw new Error("broken")'), /broken/],
  ['one that throws something else', workerOf('throw 1'), /1/],
  ['one that does not parse', workerOf('%'), /SyntaxError|Unexpected/],
  ['one that exits', workerOf('process.exit(0)'), /exit code 0/],
  ['one that ends', workerOf(''), /exit code 0/],
  ['one that is silent', workerOf('setInterval(() => {}, 1000)'), /did not come within 1000 ms/],
];
for (const [what, workerUrl, why] of UNSTARTABLE) {
  threads(`no workers, and why: ${what}`, async () => {
    const pool = makePool(3, { workerUrl, patience: 1000 });
    pool.run('count', 64);
    await pool.threads.ready();
    assert.is(pool.threads.count, 1);
    assert.match(pool.threads.whyNot as string, /^the workers cannot be started: /);
    assert.match(pool.threads.whyNot as string, why);
    pool.run('count', 64);
    assert.equal([...pool.cells.subarray(0, 64)], new Array(64).fill(2));
    await pool.threads.ready();
    await pool.threads.end();
  });
}

threads('ended at once, in the middle of starting, or twice: nothing is left', async () => {
  const before = await resources();
  for (let i = 0; i < 50; i++) {
    const pool = makePool(2 + (i % 2));
    if (i % 5 === 0) await pool.threads.ready();
    else if (i % 5 > 1) await new Promise((resolve) => setTimeout(resolve, 10 * (i % 7)));
    await Promise.all([pool.threads.end(), pool.threads.end(), pool.threads.ready()]);
  }
  assert.equal(await resourcesBeside(before), []);
});

threads.run();
