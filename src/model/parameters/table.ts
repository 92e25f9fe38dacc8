/**
 * The one table of parameters: each tensor's names, its shape, how it is initialised and where it lands in memory.
 *
 * Building the table walks the model once, in FlaxAlbert's order, and hands out addresses on the way; the result is the
 * list of tensors to load and, over the same memory, the tree that the forward pass reads.
 */
import type { Dense, Engine, Norm } from '../../engine/engine.js';
import { matrixBytes, type Region } from '../../engine/memory.js';
import type { Dtype, Panels } from '../../engine/schemes.js';

/** Where a tensor lies once it is packed. */
export type Place =
  /** A vector, padded to whole panels. */
  | { readonly kind: 'vector'; readonly address: number }
  /** A table read row by row; rows are padded. */
  | { readonly kind: 'table'; readonly address: number }
  /** `outputs` columns of packed panels, from column `first` on. */
  | { readonly kind: 'panels'; readonly panels: Panels; readonly first: number };

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
  /** Whether an int8 model holds it in int8: a large matrix. */
  readonly large: boolean;
  /** Part of the head or the pooler: a checkpoint of another task may lack it. */
  readonly head: boolean;
  readonly place: Place;
}

/** Records the parameters that a model declares: each method takes room for some tensors and returns their addresses. */
export class ParameterTable {
  readonly parameters: Parameter[] = [];
  readonly #region: Region;
  readonly #engine: Engine;

  constructor(region: Region, engine: Engine) {
    this.#region = region;
    this.#engine = engine;
  }

  /** A dense layer: weight (out, in), bias (out). */
  dense(name: string, inputs: number, outputs: number, head = false): Dense {
    return this.denseSideBySide([name], inputs, outputs, head);
  }

  /** A head's last dense layer, of a few labels: float32 in any model, since it is small and nothing evens out its errors. */
  classifier(name: string, inputs: number, labels: number): Dense {
    return this.denseSideBySide([name], inputs, labels, true, false);
  }

  /**
   * The dense layer behind the attention: float32 in any model. It has a twelfth of a layer's multiplications, and in int8 a third
   * of all that rounding does to ALBERT-base's answers (docs/decisions/0005).
   */
  delicate(name: string, inputs: number, outputs: number): Dense {
    return this.denseSideBySide([name], inputs, outputs, false, false);
  }

  /** Dense layers of one input whose outputs become one wide matrix. */
  denseSideBySide(names: readonly string[], inputs: number, outputs: number, head = false, large = true): Dense {
    const total = names.length * outputs;
    const panels = this.#take(inputs, total, large ? this.#engine.dtype : 'float32');
    const bias = this.#region.take(matrixBytes(1, total));
    names.forEach((name, i) => {
      this.#panels(
        `${name}.weight`,
        flaxPath(name, 'kernel'),
        [outputs, inputs],
        panels,
        i * outputs,
        head,
        true,
        large,
      );
      this.#vector(`${name}.bias`, flaxPath(name, 'bias'), outputs, bias + i * outputs * 4, 'zeros', head);
    });
    return { panels, bias, inputs, outputs: total };
  }

  norm(name: string, size: number, head = false): Norm {
    const scale = this.#region.take(matrixBytes(1, size));
    const bias = this.#region.take(matrixBytes(1, size));
    this.#vector(`${name}.weight`, flaxPath(name, 'scale'), size, scale, 'ones', head);
    this.#vector(`${name}.bias`, flaxPath(name, 'bias'), size, bias, 'zeros', head);
    return { scale, bias };
  }

  /** An embedding table (count, size), row by row. */
  table(name: string, count: number, size: number): number {
    const address = this.#region.take(matrixBytes(count, size));
    const place = { kind: 'table', address } as const;
    const flaxName = flaxPath(name, 'embedding');
    const shape = [count, size];
    this.parameters.push({
      name: `${name}.weight`,
      flaxName,
      shape,
      kernel: false,
      initial: 'normal',
      large: false,
      head: false,
      place,
    });
    return address;
  }

  /** The word embeddings (vocab, size), as panels: a tied decoder multiplies by them as they are. */
  wordTable(name: string, vocab: number, size: number): Panels {
    const panels = this.#take(size, vocab);
    this.#panels(`${name}.weight`, flaxPath(name, 'embedding'), [vocab, size], panels, 0, false, false);
    return panels;
  }

  /** The weights of a dense layer without a bias of its own. */
  decoder(name: string, inputs: number, outputs: number): Panels {
    const panels = this.#take(inputs, outputs);
    this.#panels(`${name}.weight`, flaxPath(name, 'kernel'), [outputs, inputs], panels, 0, true, true);
    return panels;
  }

  /** A bare bias that belongs to a head. */
  bias(name: string, size: number): number {
    const address = this.#region.take(matrixBytes(1, size));
    this.#vector(name, name.replaceAll('.', '/'), size, address, 'zeros', true);
    return address;
  }

  #take(inputs: number, outputs: number, dtype: Dtype = this.#engine.dtype): Panels {
    return { address: this.#region.take(this.#engine.panelsBytes(dtype, inputs, outputs)), dtype };
  }

  #panels(
    name: string,
    flaxName: string,
    shape: [number, number],
    panels: Panels,
    first: number,
    head: boolean,
    kernel: boolean,
    large = true,
  ): void {
    const place = { kind: 'panels', panels, first } as const;
    this.parameters.push({ name, flaxName, shape, kernel, initial: 'normal', large, head, place });
  }

  #vector(
    name: string,
    flaxName: string,
    size: number,
    address: number,
    initial: 'zeros' | 'ones',
    head: boolean,
  ): void {
    const place = { kind: 'vector', address } as const;
    this.parameters.push({ name, flaxName, shape: [size], kernel: false, initial, large: false, head, place });
  }
}

/** Flax's path of a module's parameter: the same modules, other names for the leaves. */
function flaxPath(module: string, leaf: 'kernel' | 'bias' | 'scale' | 'embedding'): string {
  return `${module}.${leaf}`.replaceAll('.', '/');
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
