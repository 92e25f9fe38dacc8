/**
 * The one table of parameters: each tensor's names, its shape, how it is initialised and where it lies in memory.
 *
 * Building the table walks the model once, in FlaxAlbert's order, and hands out addresses on the way; the result is the
 * list of tensors to load and, over the same memory, the tree that the forward pass reads.
 */

import type { Engine } from '../../engine/engine.js';
import { matrixBytes, type Region } from '../../engine/memory.js';
import type { Dense, Norm } from '../../engine/operands.js';
import type { Panels, PanelsDtype } from '../../engine/schemes.js';
import { mismatch } from '../../ground/errors.js';

/** Where a tensor lies once it is packed. */
export type Location =
  /** A vector, padded to whole panels. */
  | { readonly kind: 'vector'; readonly address: number }
  /** A table read row by row; rows are padded. */
  | { readonly kind: 'table'; readonly address: number }
  /** `outputs` columns of packed panels, from column `first` on. Products read `fine`, a copy of them, if there is one. */
  | { readonly kind: 'panels'; readonly panels: Panels; readonly first: number; readonly fine?: Panels | undefined };

export interface Parameter {
  /** PyTorch's name, which safetensors checkpoints use. */
  readonly name: string;
  /** Flax's path in the tree of parameters. */
  readonly flaxName: string;
  /** PyTorch's shape; of a dense layer's weight (out, in). */
  readonly shape: readonly number[];
  /** Whether Flax stores it transposed, as a dense kernel (in, out). */
  readonly kernel: boolean;
  readonly initial: 'normal' | 'zeros' | 'ones';
  /** Whether a quantised model or file quantises it: a large matrix. All others are float32 in every model. */
  readonly quantizable: boolean;
  /** A checkpoint of another task may lack what belongs to the head; the pooler counts as part of the head. */
  readonly of: 'body' | 'head';
  readonly location: Location;
}

/** What every declaration says of its tensors. */
interface Declared {
  /** The module's name, as PyTorch has it. */
  readonly name: string;
  /** Default: `body`. */
  readonly of?: 'body' | 'head';
}

/** A dense layer: weight (outputs, inputs), bias (outputs). */
export interface DeclaredDense extends Omit<Declared, 'name'> {
  /** Several names: layers of the same input, side by side in one wide matrix. */
  readonly name: string | readonly string[];
  readonly inputs: number;
  /** Of each layer. */
  readonly outputs: number;
  /**
   * Either value stores float32 in every model and file. `float32` is for products in float32, such as a head's last layer, which is
   * small and after which nothing evens out errors. With `fine`, products take a copy in the engine's fine dtype, if it has one.
   * Default: the model's dtype.
   */
  readonly stored?: 'float32' | 'fine';
  /** The address of a bias that was declared before. Default: a bias of the layer's own. */
  readonly bias?: number;
}

/** What a module calls its tensors: Flax's name of each, then PyTorch's, and how FlaxAlbert initialises it. */
const LEAVES = {
  kernel: ['weight', 'normal'],
  embedding: ['weight', 'normal'],
  scale: ['weight', 'ones'],
  bias: ['bias', 'zeros'],
} as const;

/** Records the parameters that a model declares: each method takes room for some tensors and returns their addresses. */
export class ParameterTable {
  readonly parameters: Parameter[] = [];
  readonly #region: Region;
  readonly #engine: Engine;

  constructor(region: Region, engine: Engine) {
    this.#region = region;
    this.#engine = engine;
  }

  /** @throws ERR_CONFIG for more inputs than sums in the dtype can hold */
  dense({ name, inputs, outputs, of, stored, bias }: DeclaredDense): Dense {
    const names = [name].flat();
    const total = names.length * outputs;
    const take = (dtype?: PanelsDtype) => this.#takePanels(names[0] as string, inputs, total, dtype);
    const panels = take(stored && 'float32');
    const { fineDtype } = this.#engine;
    const fine = stored === 'fine' && fineDtype !== undefined ? take(fineDtype) : undefined;
    const address = bias ?? this.#region.take(matrixBytes(1, total));
    for (const [i, module] of names.entries()) {
      const first = i * outputs;
      this.#add(module, 'kernel', [outputs, inputs], of, { kind: 'panels', panels, first, fine }, stored === undefined);
      if (bias === undefined) this.#vector(module, 'bias', outputs, of, address + first * 4);
    }
    return { panels: fine ?? panels, bias: address, inputs, outputs: total };
  }

  norm({ name, size, of }: Declared & { readonly size: number }): Norm {
    return { scale: this.#vector(name, 'scale', size, of), bias: this.#vector(name, 'bias', size, of) };
  }

  /** A bias without a layer of its own. */
  bias({ name, size, of }: Declared & { readonly size: number }): number {
    return this.#vector(name, 'bias', size, of);
  }

  /** An embedding table (count, size) that is read row by row. */
  rowTable({ name, count, size, of }: Declared & { readonly count: number; readonly size: number }): number {
    const address = this.#region.take(matrixBytes(count, size));
    this.#add(name, 'embedding', [count, size], of, { kind: 'table', address });
    return address;
  }

  /** An embedding table (count, size) as panels: a tied decoder multiplies by it as it is. */
  panelTable({ name, count, size, of }: Declared & { readonly count: number; readonly size: number }): Panels {
    const panels = this.#takePanels(name, size, count);
    this.#add(name, 'embedding', [count, size], of, { kind: 'panels', panels, first: 0 }, true);
    return panels;
  }

  #takePanels(module: string, inputs: number, outputs: number, dtype: PanelsDtype = this.#engine.dtype): Panels {
    const most = this.#engine.packing.maxInputs(dtype);
    if (inputs > most) throw mismatch('ERR_CONFIG', `inputs of ${module}`, `at most ${most} in ${dtype}`, inputs);
    return { address: this.#region.take(this.#engine.packing.panelsBytes(dtype, inputs, outputs)), dtype };
  }

  #vector(
    module: string,
    leaf: 'scale' | 'bias',
    size: number,
    of: Declared['of'],
    address = this.#region.take(matrixBytes(1, size)),
  ): number {
    this.#add(module, leaf, [size], of, { kind: 'vector', address });
    return address;
  }

  #add(
    module: string,
    leaf: keyof typeof LEAVES,
    shape: readonly number[],
    of: Declared['of'] = 'body',
    location: Location,
    quantizable = false,
  ): void {
    const [name, initial] = LEAVES[leaf];
    this.parameters.push({
      name: `${module}.${name}`,
      flaxName: `${module}.${leaf}`.replaceAll('.', '/'),
      shape,
      kernel: leaf === 'kernel',
      initial,
      quantizable,
      of,
      location,
    });
  }
}

/** A parameter's rows and columns; a vector is one row. */
export function matrixOf({ shape }: Parameter): readonly [rows: number, cols: number] {
  const [rows = 1, cols] = shape;
  return cols === undefined ? [1, rows] : [rows, cols];
}

/** Elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
