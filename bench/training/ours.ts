/** The feed-forward block by this library's kernels, in the order of a training step. */

import { type Matrix, matrixBytes, PANEL_COLUMNS, padded } from '../../src/engine/memory.js';
import type { Dense } from '../../src/engine/operands.js';
import type { TrainingEngine } from '../../src/engine/training-engine.js';
import { planProduct, weightGradient } from '../../src/engine/weight-gradient.js';
import type { FeedForwardPeer, Gradients, Problem } from './problem.js';

/** A dense layer's weights and bias with their gradients, which lie as they do. */
interface Layer {
  readonly dense: Dense;
  readonly gradient: { readonly panels: number; readonly bias: number };
}

export function ours(training: TrainingEngine): FeedForwardPeer {
  return { name: 'albert-wasm', prepare: (problem) => prepare(training, problem) };
}

function prepare(training: TrainingEngine, problem: Problem) {
  const { tokens, hidden, intermediate } = problem;
  const { engine } = training;
  const { memory } = engine;
  const used = memory.used;
  const region = memory.region();
  const [x, output, minusTarget, dx] = [0, 1, 2, 3].map(() => region.matrix(tokens, hidden)) as Four;
  const [before, inner, dInner] = [0, 1, 2].map(() => region.matrix(tokens, intermediate)) as unknown as Four;
  const layers = [take(hidden, intermediate), take(intermediate, hidden)] as const;
  const gradientsStart = region.end;
  const [first, second] = layers.map((dense) => ({ dense, gradient: takeGradient(dense) })) as [Layer, Layer];
  const gradientFloats = (region.end - gradientsStart) / 4;
  const transposed = layers.map((dense) => training.planTransposed(region, dense)) as [Dense, Dense];
  const scratch = [
    planProduct(region, tokens, hidden, intermediate),
    planProduct(region, tokens, intermediate, hidden),
  ] as const;
  const squares = region.take(8);
  const staging = region.take(hidden * intermediate * 4);
  memory.claim(region);
  for (const matrix of [x, output, minusTarget, dx, before, inner, dInner]) training.zero(matrix);
  memory.write(x, problem.x);
  memory.write(
    minusTarget,
    problem.target.map((value) => -value),
  );
  fill(first.dense, problem.w1, problem.b1);
  fill(second.dense, problem.w2, problem.b2);

  function take(inputs: number, outputs: number): Dense {
    const address = region.take(matrixBytes(inputs, outputs));
    return { panels: { address, dtype: 'float32' }, bias: region.take(matrixBytes(1, outputs)), inputs, outputs };
  }

  function takeGradient({ inputs, outputs }: Dense) {
    return { panels: region.take(matrixBytes(inputs, outputs)), bias: region.take(matrixBytes(1, outputs)) };
  }

  function fill({ panels, bias, inputs, outputs }: Dense, weights: Float32Array, values: Float32Array): void {
    memory.f32(panels.address, inputs * padded(outputs)).fill(0);
    memory.f32(staging, weights.length).set(weights);
    engine.packing.pack(panels, staging, [outputs * 4, 4], [inputs, outputs], 0);
    memory.f32(bias, padded(outputs)).fill(0).set(values);
  }

  /** The weights as they lie, at another address: (inputs, outputs) */
  function unpacked({ dense: { inputs, outputs } }: Layer, address: number): Float32Array {
    const panels = memory.f32(address, inputs * padded(outputs));
    const lane = (row: number, column: number) =>
      (Math.floor(column / PANEL_COLUMNS) * inputs + row) * PANEL_COLUMNS + (column % PANEL_COLUMNS);
    return Float32Array.from({ length: inputs * outputs }, (_, at) => {
      return panels[lane(Math.floor(at / outputs), at % outputs)] as number;
    });
  }

  function run(): void {
    memory.f32(gradientsStart, gradientFloats).fill(0);
    engine.linear(x, first.dense, before);
    training.activate(before, inner, 'gelu_new');
    engine.linear(inner, second.dense, output);
    // From here on `output` is its own gradient.
    training.add(output, minusTarget);
    // One panel, as a flat vector is one.
    const depth = (output.rows * output.stride) / 4 / PANEL_COLUMNS;
    training.run('sumSquares', [[output.address, depth, 0, PANEL_COLUMNS, squares]]);
    weightGradient(training, inner, output, second.gradient, scratch[1]);
    training.transpose(second.dense, transposed[1]);
    training.inputGradient(output, transposed[1], dInner);
    training.activateGradient(dInner, before, 'gelu_new');
    weightGradient(training, x, dInner, first.gradient, scratch[0]);
    training.transpose(first.dense, transposed[0]);
    training.inputGradient(dInner, transposed[0], dx);
  }

  // The engine has found its fastest kernels after eight products of each size by either.
  for (let i = 0; i < 16; i++) run();
  return {
    run,
    async gradients(): Promise<Gradients> {
      run();
      return {
        loss: (new Float64Array(memory.wasm.buffer, squares, 1)[0] as number) / 2,
        x: memory.read(dx),
        w1: unpacked(first, first.gradient.panels),
        b1: memory.f32(first.gradient.bias, intermediate).slice(),
        w2: unpacked(second, second.gradient.panels),
        b2: memory.f32(second.gradient.bias, hidden).slice(),
      };
    },
    async release() {
      memory.release(used);
    },
  };
}

type Four = [Matrix, Matrix, Matrix, Matrix];
