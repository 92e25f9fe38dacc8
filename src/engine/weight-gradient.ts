/** The gradients of dense layers' weights: dW += xᵀ · dy, and the sums of dy for the biases. */
import { Autotuner } from './autotune.js';
import type { Build } from './kernels.js';
import { type Matrix, matrixBytes, PANEL_COLUMNS, padded, type Region } from './memory.js';
import { splitColumns, splitProduct } from './split.js';
import type { TrainingEngine } from './training-engine.js';

/** The smallest part of a gradient's product: so many columns, or rows of a narrow one. */
const GRADIENT_GRAIN = 64;

const tuner = () => new Autotuner(['gemmGradient', 'gemmGradientWide']);

/** The kernels of the weights' gradients, with the same results; per process and build, as those of prediction. */
const GRADIENTS: Readonly<Record<Build, ReturnType<typeof tuner>>> = {
  simd: tuner(),
  'relaxed-simd': tuner(),
  scalar: tuner(),
};

/** The gradients of a dense layer's weights and bias; an address of 0: not wanted. */
export interface DenseGradient {
  /** Panels as the weights', without their address in the model. */
  readonly panels: number;
  readonly bias: number;
}

/** Scratch memory of `weightGradient`: for xᵀ and for dy in panels. */
export interface ProductScratch {
  readonly transposed: number;
  readonly panels: number;
}

/** The bytes from one row of xᵀ to the next, of so many floats: an odd number of cache lines, so that neighbouring rows share no set. */
function transposedStride(floats: number): number {
  return (Math.ceil(floats / 16) | 1) * 64;
}

/** Takes scratch memory for `weightGradient` of so many rows. */
export function planProduct(region: Region, rows: number, inputs: number, outputs: number): ProductScratch {
  return {
    transposed: region.take(inputs * transposedStride(rows)),
    panels: region.take(matrixBytes(rows, outputs)),
  };
}

/** gradient.panels += xᵀ · dy, gradient.bias += the column sums of dy. */
export function weightGradient(
  training: TrainingEngine,
  x: Matrix,
  dy: Matrix,
  gradient: DenseGradient,
  scratch: ProductScratch,
): void {
  if (gradient.panels !== 0) {
    const { transposed, panels } = scratch;
    const stride = transposedStride(x.rows);
    training.run(
      'transposeRows',
      splitColumns(x.rows, x.cols, training.threads).map(([from, to]) => {
        return [x.address + from * 4, x.stride, x.rows, to - from, transposed + from * stride, stride];
      }),
    );
    training.run(
      'packRows',
      splitColumns(dy.rows, dy.cols, training.threads).map(([from, to]) => {
        return [dy.address + from * 4, dy.stride, dy.rows, to - from, panels + from * dy.rows * 4];
      }),
    );
    product(training, { ...x, address: transposed, stride }, panels, dy.cols, gradient.panels);
  }
  if (gradient.bias !== 0) training.columnSums(dy, gradient.bias);
}

/** gradient += xᵀ · dy, by the gradient's rows and panels: the order of no sum depends on the number of threads. */
function product(
  training: TrainingEngine,
  { address, stride, rows, cols }: Matrix,
  panels: number,
  outputs: number,
  gradient: number,
): void {
  const { threads, engine } = training;
  const columns = padded(outputs);
  // A narrow gradient is cut by rows.
  const wide = columns >= threads * GRADIENT_GRAIN;
  const grain = wide
    ? { columns: GRADIENT_GRAIN, rows: Number.POSITIVE_INFINITY }
    : { columns: Number.POSITIVE_INFINITY, rows: GRADIENT_GRAIN };
  const calls = splitProduct(cols, columns, rows, threads, grain).map((part) => [
    address + part.row * stride,
    stride,
    panels + part.column * rows * 4,
    gradient + part.column * cols * 4 + part.row * PANEL_COLUMNS * 4,
    cols * PANEL_COLUMNS * 4,
    part.rows,
    rows,
    padded(part.columns) / PANEL_COLUMNS,
    engine.scratch.address,
  ]);
  GRADIENTS[engine.build].run({ rows, inputs: cols, outputs }, (kernel) => {
    training.run(kernel, calls, engine.scratch.bytes);
  });
}
