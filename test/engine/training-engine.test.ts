/** The operations of a backward pass: the build that they run in, the same bits on any number of threads, the parts they are cut into. */

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/engine/engine.js';
import { ACTIVATIONS } from '../../src/engine/kernels.js';
import { type Matrix, matrixBytes, padded, type Region } from '../../src/engine/memory.js';
import type { Dense } from '../../src/engine/operands.js';
import { startRuntime } from '../../src/engine/runtime.js';
import { TrainingEngine } from '../../src/engine/training-engine.js';
import { planProduct, weightGradient } from '../../src/engine/weight-gradient.js';
import { AlbertPreTrainedModel } from '../../src/model/albert.js';
import { AlbertModel } from '../../src/model/models.js';
import { LocalModel } from '../../src/model/runners/local.js';
import { Random, sumError } from '../assembly/reference.js';
import { BUILDS } from '../support/builds.js';
import { expectError } from '../support/expect-error.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';
import { withoutWebAssembly } from '../support/without-webassembly.js';

const test = suite('training engine');

const INPUTS = 3072;

async function makeEngine(options: { wasmUrl?: string; threads?: number } = {}): Promise<Engine> {
  const runtime = await startRuntime({ maxMemoryBytes: 2 ** 28, threads: 1, ...options });
  const engine = new Engine(runtime, { dtype: 'float32', inputs: INPUTS });
  await engine.ready();
  return engine;
}

/** Random numbers in a matrix, its padding NaN. */
function fill(engine: Engine, x: Matrix, seed: number): Float32Array {
  engine.memory.f32(x.address, (x.rows * x.stride) / 4).fill(Number.NaN);
  const numbers = new Random(seed).weighty(x.rows * x.cols);
  engine.memory.write(x, numbers);
  return numbers;
}

function fillVector(engine: Engine, address: number, length: number, seed: number): void {
  engine.memory.f32(address, padded(length)).fill(0);
  engine.memory.f32(address, length).set(new Random(seed).weighty(length));
}

/** A dense layer in panels with random weights and a bias of zero. */
function makeDense(region: Region, inputs: number, outputs: number): Dense {
  const panels = { address: region.take(matrixBytes(inputs, outputs)), dtype: 'float32' } as const;
  return { panels, bias: region.take(matrixBytes(1, outputs)), inputs, outputs };
}

function fillDense(engine: Engine, { panels, bias, inputs, outputs }: Dense, seed: number): Float32Array {
  const weights = new Random(seed).weighty(inputs * outputs);
  const target = engine.memory.f32(panels.address, inputs * padded(outputs)).fill(0);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) target[(j >> 3) * inputs * 8 + i * 8 + (j & 7)] = weights[i * outputs + j]!;
  }
  engine.memory.f32(bias, padded(outputs)).fill(0);
  return weights;
}

interface Shape {
  readonly tokens: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Every operation of the engine once, at sizes that several threads share; the bytes of everything it wrote. */
function runAll(training: TrainingEngine, { tokens, inputs, outputs }: Shape, activation: number): Uint8Array {
  const { engine } = training;
  const { memory } = engine;
  const used = memory.used;
  const region = memory.region();
  const matrices = (cols: number, count: number) => Array.from({ length: count }, () => region.matrix(tokens, cols));
  const [x, dx, residual, normed] = matrices(inputs, 4) as [Matrix, Matrix, Matrix, Matrix];
  const [dy, before, activated, logits] = matrices(outputs, 4) as [Matrix, Matrix, Matrix, Matrix];
  const dense = makeDense(region, inputs, outputs);
  const gradient = { panels: region.take(matrixBytes(inputs, outputs)), bias: region.take(matrixBytes(1, outputs)) };
  const norm = { scale: region.take(matrixBytes(1, inputs)), bias: 0 };
  const normGradient = { scale: region.take(matrixBytes(1, inputs)), bias: region.take(matrixBytes(1, inputs)) };
  const rowTable = region.take(matrixBytes(16, inputs));
  const panelTable = region.take(matrixBytes(inputs, 16));
  const [indices, losses] = [region.take(tokens * 4), region.take(tokens * 8)];
  const transposed = training.planTransposed(region, dense);
  // What is scratch memory differs between threads, and may.
  const wrote = region.end;
  const inverse = region.take(tokens * 4);
  const scratch = planProduct(region, tokens, inputs, outputs);
  memory.claim(region);
  memory.f32(region.start, (region.end - region.start) / 4).fill(0);
  [x, residual, normed, dy, before, logits].forEach((matrix, i) => {
    fill(engine, matrix, i);
  });
  fillDense(engine, dense, 9);
  fillVector(engine, norm.scale, inputs, 10);
  memory.i32(indices, tokens).set(Array.from({ length: tokens }, (_, i) => (i * 7) % 16));

  training.transpose(dense, transposed);
  training.inputGradient(dy, transposed, dx, residual);
  weightGradient(training, x, dy, gradient, scratch);
  training.activateGradient(dy, before, ACTIVATIONS[activation]!);
  training.activate(before, activated, ACTIVATIONS[activation]!);
  training.add(x, residual);
  training.normGradient(residual, normed, x, norm, normGradient, 1e-12, inverse);
  training.scatter(dx, indices, { address: rowTable, panels: false });
  training.scatter(dx, indices, { address: panelTable, panels: true });
  training.crossEntropy(logits, indices, losses, 0.5, 0.1);
  // Padding is what it is: a NaN from a place of its own.
  for (const matrix of [x, dx, residual, normed, dy, before, activated, logits]) {
    for (let row = 0; row < matrix.rows; row++) {
      memory.f32(matrix.address + row * matrix.stride, matrix.stride / 4).fill(0, matrix.cols);
    }
  }
  const bytes = new Uint8Array(memory.wasm.buffer).slice(region.start, wrote);
  memory.release(used);
  return bytes;
}

const SHAPES: readonly Shape[] = [
  { tokens: 300, inputs: 260, outputs: 520 },
  // A gradient of one panel is cut by its rows.
  { tokens: 500, inputs: 1000, outputs: 5 },
];

for (const [threads, build] of [[2], [3, 'simd']] as const) {
  test(`one thread and ${threads}, ${build ?? 'the default'} build: the same bits`, async () => {
    const from = (name: string) =>
      build ? { wasmUrl: new URL(`../../build/${name}.wasm`, import.meta.url).href } : {};
    const [alone, shared] = [
      await makeEngine(from(`${build}`)),
      await makeEngine({ threads, ...from(`${build}-threads`) }),
    ];
    const [one, several] = [await TrainingEngine.make(alone), await TrainingEngine.make(shared)];
    assert.is(shared.threads.threads, threads, shared.threads.whyNotThreaded);
    for (const [i, shape] of SHAPES.entries()) {
      const [first, second] = [runAll(one, shape, 1 + i), runAll(several, shape, 1 + i)];
      assert.ok(
        new Float32Array(first.buffer).some((v) => v !== 0),
        'something was computed',
      );
      const at = first.findIndex((byte, j) => byte !== second[j]);
      assert.is(at, -1, `${JSON.stringify(shape)}: byte ${at} differs`);
    }
    await shared.dispose();
  });
}

test('a helper thread computes parts of a gradient', async () => {
  const engine = await makeEngine({ threads: 2 });
  const training = await TrainingEngine.make(engine);
  const { memory, scratch } = engine;
  const region = memory.region();
  const [x, dy] = [region.matrix(64, 256), region.matrix(64, 256)];
  const gradient = { panels: region.take(matrixBytes(256, 256)), bias: 0 };
  const product = planProduct(region, 64, 256, 256);
  memory.claim(region);
  fill(engine, x, 1);
  fill(engine, dy, 2);
  // The second thread's tiles lie in its own scratch memory. A busy machine may keep it waiting for long.
  const own = memory.f32(scratch.address + scratch.bytes, 1);
  own[0] = 12345;
  let operations = 0;
  for (; own[0] === 12345 && operations < 30_000; operations++) weightGradient(training, x, dy, gradient, product);
  assert.ok(own[0] !== 12345, `no part in ${operations} operations`);
  await engine.dispose();
});

test('each kernel of a gradient meets the gradients of each layer, though two of them have as many columns', async () => {
  const training = await TrainingEngine.make(await makeEngine());
  const { memory } = training.engine;
  const region = memory.region();
  // As a layer's feed-forward block and attention follow each other in a backward pass.
  const [tokens, sizes, outputs] = [64, [1024, 512], 512];
  const dy = region.matrix(tokens, outputs);
  const gradients = sizes.map((inputs) => ({
    x: region.matrix(tokens, inputs),
    gradient: { panels: region.take(matrixBytes(inputs, outputs)), bias: 0 },
    product: planProduct(region, tokens, inputs, outputs),
  }));
  memory.claim(region);
  fill(training.engine, dy, 1);
  for (const { x } of gradients) fill(training.engine, x, 2);
  const met = new Set<string>();
  const { run } = training;
  training.run = (kernel, calls, scratchBytes) => {
    if (kernel.startsWith('gemmGradient')) met.add(`${kernel} ${calls[0]?.[5]}`);
    run.call(training, kernel, calls, scratchBytes);
  };
  for (let i = 0; i < 2; i++) {
    for (const { x, gradient, product } of gradients) weightGradient(training, x, dy, gradient, product);
  }
  assert.is(met.size, 4, [...met].join());
  await training.engine.dispose();
});

for (const { name, wasmUrl } of BUILDS) {
  test(`${name}: dx = dy · weightsᵀ + residual and dW += xᵀ · dy, within the error of their sums`, async () => {
    const engine = await makeEngine({ wasmUrl: wasmUrl.href });
    const training = await TrainingEngine.make(engine);
    for (const [tokens, inputs, outputs] of [
      [5, 13, 36],
      [401, 50, 9],
      [64, 8, 300],
    ] as const) {
      const { memory } = engine;
      const { used } = memory;
      const region = memory.region();
      const [x, dx, residual] = [tokens, tokens, tokens].map((rows) => region.matrix(rows, inputs));
      const dy = region.matrix(tokens, outputs);
      const dense = makeDense(region, inputs, outputs);
      const gradient = {
        panels: region.take(matrixBytes(inputs, outputs)),
        bias: region.take(matrixBytes(1, outputs)),
      };
      const transposed = training.planTransposed(region, dense);
      const scratch = planProduct(region, tokens, inputs, outputs);
      memory.claim(region);
      const [xs, rs, dys] = [fill(engine, x!, 1), fill(engine, residual!, 2), fill(engine, dy, 3)];
      const weights = fillDense(engine, dense, 4);
      const [panels, biases] = [
        memory.f32(gradient.panels, inputs * padded(outputs)).fill(0),
        memory.f32(gradient.bias, padded(outputs)).fill(0),
      ];
      training.transpose(dense, transposed);
      training.inputGradient(dy, transposed, dx!, residual);
      const turns = 2;
      for (let turn = 0; turn < turns; turn++) weightGradient(training, x!, dy, gradient, scratch);
      const label = `${name}, ${tokens} tokens, ${inputs} × ${outputs}`;
      const got = memory.read(dx!);
      const within = (value: number, terms: number[], times: number, where: string) => {
        const sum = times * terms.reduce((total, term) => total + term, 0);
        const magnitude = times * terms.reduce((total, term) => total + Math.abs(term), 0);
        const bound = sumError(terms.length) * magnitude;
        assert.ok(Math.abs(value - sum) <= bound, `${label}, ${where}: expected ${sum} ± ${bound}, got ${value}`);
      };
      for (let t = 0; t < tokens; t++) {
        for (let i = 0; i < inputs; i++) {
          const terms = Array.from({ length: outputs }, (_, j) => dys[t * outputs + j]! * weights[i * outputs + j]!);
          within(got[t * inputs + i]!, [rs[t * inputs + i]!, ...terms], 1, `dx [${t}, ${i}]`);
        }
      }
      const column = (j: number) => Array.from({ length: tokens }, (_, t) => dys[t * outputs + j]!);
      for (let j = 0; j < padded(outputs); j++) {
        for (let i = 0; i < inputs; i++) {
          const value = panels[(j >> 3) * inputs * 8 + i * 8 + (j & 7)]!;
          if (j >= outputs) assert.is(value, 0, `${label}: padding of the gradient`);
          else {
            const terms = column(j).map((v, t) => v * xs[t * inputs + i]!);
            within(value, terms, turns, `dW [${i}, ${j}]`);
          }
        }
        if (j >= outputs) assert.is(biases[j], 0, `${label}: padding of the bias`);
        else within(biases[j]!, column(j), turns, `bias ${j}`);
      }
      memory.release(used);
    }
  });

  test(`${name}: the training kernels are those of the same build, and the model answers as before`, async () => {
    await using model = await AlbertModel.from_config(TINY, { wasmUrl: wasmUrl.href, worker: false });
    const before = (await model.forward(TINY_INPUTS)).last_hidden_state.data.slice();
    const runner = AlbertPreTrainedModel.runnerOf(model);
    assert.instance(runner, LocalModel);
    await (runner as LocalModel).exclusive(async ({ engine }) => {
      const training = await TrainingEngine.make(engine);
      assert.is(await TrainingEngine.make(engine), training, 'made once');
      assert.is(Number(training.kernels.heapBase.value) === 16, name === 'scalar', 'only SIMD has constants');
      let trapped = false;
      try {
        training.kernels.packRows(engine.memory.used, 32, 0, 8, engine.memory.used);
      } catch {
        trapped = true;
      }
      assert.is(trapped, name === 'debug', 'only the debug build asserts');
    });
    assert.equal((await model.forward(TINY_INPUTS)).last_hidden_state.data, before);
  });
}

test('where WebAssembly may not run, training is refused and the model works on', async () => {
  await withoutWebAssembly(async () => {
    const engine = await makeEngine();
    assert.is(engine.build, 'scalar');
    await expectError(() => TrainingEngine.make(engine), 'ERR_ENVIRONMENT', 'training needs WebAssembly');
  });
});

test('kernels that the caller has put elsewhere: those of training lie beside them, or are asked for', async () => {
  const folder = mkdtempSync(`${tmpdir()}/albert-wasm-`);
  try {
    const place = (from: string, to: string) => {
      const target = `${folder}/${to}`;
      copyFileSync(new URL(`../../build/${from}`, import.meta.url), target);
      return pathToFileURL(target).href;
    };
    const engine = await makeEngine({ wasmUrl: place('debug.wasm', 'debug.wasm') });
    await expectError(() => TrainingEngine.make(engine), 'ERR_SOURCE', 'training-debug.wasm');
    place('training-debug.wasm', 'training-debug.wasm');
    // A failure is not kept.
    const { kernels } = await TrainingEngine.make(engine);
    assert.throws(() => kernels.packRows(4096, 32, 0, 8, 8192), 'unreachable');
    // A bundler's name: the package's own file of the same build.
    const renamed = await makeEngine({ wasmUrl: place('scalar.wasm', 'scalar-B4f3.wasm') });
    const training = await TrainingEngine.make(renamed);
    assert.is(Number(training.kernels.heapBase.value), 16);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
