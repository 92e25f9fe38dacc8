/** Where gradients lie: in one region, each allocation of weights' gradient as the allocation itself, panels as panels. */
import type { Engine } from '../../engine/engine.js';
import { aligned, type LinearMemory, matrixBytes, type Region } from '../../engine/memory.js';
import type { Tensor } from '../../ground/tensor.js';
import type { Layout } from '../../model/network/layout.js';
import { readParameter } from '../../model/parameters/pack.js';
import { matrixOf, type Parameter } from '../../model/parameters/table.js';

/** One trainable parameter. */
export interface GradientEntry {
  readonly parameter: Parameter;
  /** The address of the allocation that holds its weights, alone or with others, such as query, key and value. */
  readonly weights: number;
  /** The address of that allocation's gradient. */
  readonly gradient: number;
  /**
   * Its part of the allocation, where that is a range of its own: bytes from the allocation's start, and floats with padding. They
   * are a multiple of 4 unless the part is one of several biases.
   */
  readonly range: { readonly offset: number; readonly floats: number } | undefined;
  /** Its part where it is no range: columns `first` to `first + n` of panels that are k deep. */
  readonly columns: { readonly k: number; readonly first: number; readonly n: number } | undefined;
}

/** Weights that have one address: panels, a vector or a table, of one parameter or of several side by side. */
interface Allocation {
  readonly parameters: Parameter[];
  bytes: number;
}

/** Gradients of the trainable parameters of one model, by the addresses of the weights. */
export class GradientMap {
  readonly start: number;
  readonly bytes: number;
  /** The trainable parameters, in the order of the model's. */
  readonly entries: readonly GradientEntry[];
  readonly #addresses = new Map<number, number>();

  /**
   * Assigns the addresses; the caller claims the region.
   *
   * @param trainable whether a parameter, by PyTorch's name, has a gradient. The pooler of a bare model never has: no loss reads it
   */
  constructor(region: Region, layout: Layout, trainable: (name: string) => boolean) {
    const { body, head } = layout;
    const unread =
      head === undefined && body.pooler !== undefined ? [body.pooler.panels.address, body.pooler.bias] : [];
    const allocations = allocationsOf(layout.parameters);
    const entries = new Map<Parameter, GradientEntry>();
    let end = region.take(0);
    this.start = end;
    for (const [weights, { parameters, bytes }] of allocations) {
      const trained = unread.includes(weights) ? [] : parameters.filter(({ name }) => trainable(name));
      const gradient = trained.length === 0 ? 0 : region.take(bytes);
      this.#addresses.set(weights, gradient);
      if (gradient !== 0) end = gradient + aligned(bytes);
      for (const parameter of trained) entries.set(parameter, entryOf(parameter, weights, gradient, parameters.length));
    }
    this.bytes = end - this.start;
    this.entries = layout.parameters.flatMap((parameter) => entries.get(parameter) ?? []);
  }

  /** The address of the gradient of the weights at this address; 0 where all of it is frozen. */
  of(address: number): number {
    const gradient = this.#addresses.get(address);
    if (gradient === undefined) throw new TypeError(`no weights are at ${address}`);
    return gradient;
  }

  /** Zeroes all gradients, their padding too. */
  zero(memory: LinearMemory): void {
    memory.f32(this.start, this.bytes / 4).fill(0);
  }

  /** A copy of one parameter's gradient, in PyTorch's orientation. */
  read(engine: Engine, { parameter, weights, gradient }: GradientEntry): Tensor<Float32Array> {
    const { location } = parameter;
    const moved =
      location.kind === 'panels'
        ? { ...location, panels: { ...location.panels, address: gradient } }
        : { ...location, address: gradient + location.address - weights };
    return readParameter(engine, { ...parameter, location: moved });
  }
}

/** The allocations by address, in the order of memory. Vectors of layers side by side are one, as their panels are. */
function allocationsOf(parameters: readonly Parameter[]): Map<number, Allocation> {
  const allocations = new Map<number, Allocation>();
  const add = (address: number, parameter: Parameter, bytes: number) => {
    const allocation = allocations.get(address) ?? { parameters: [], bytes: 0 };
    allocation.parameters.push(parameter);
    allocation.bytes = Math.max(allocation.bytes, bytes);
    allocations.set(address, allocation);
  };
  /** Of each bias that is not the first of several side by side: how many floats lie before it. */
  const before = new Map<string, number>();
  for (const { name, location } of parameters) {
    if (location.kind === 'panels' && location.first > 0) before.set(name.replace(/weight$/, 'bias'), location.first);
  }
  for (const parameter of parameters) {
    const { location, name } = parameter;
    const [rows, cols] = matrixOf(parameter);
    if (location.kind === 'panels') {
      add(location.panels.address, parameter, matrixBytes(cols, location.first + rows));
    } else {
      const floats = before.get(name) ?? 0;
      add(location.address - floats * 4, parameter, matrixBytes(rows, floats + cols));
    }
  }
  return new Map([...allocations].sort(([a], [b]) => a - b));
}

function entryOf(parameter: Parameter, weights: number, gradient: number, parts: number): GradientEntry {
  const { location } = parameter;
  const [rows, cols] = matrixOf(parameter);
  const entry = { parameter, weights, gradient, range: undefined, columns: undefined };
  if (location.kind !== 'panels') {
    const offset = location.address - weights;
    return { ...entry, range: { offset, floats: parts === 1 ? matrixBytes(rows, cols) / 4 : cols } };
  }
  const { first } = location;
  const whole = parts === 1 || (first % 8 === 0 && rows % 8 === 0);
  if (!whole) return { ...entry, columns: { k: cols, first, n: rows } };
  return { ...entry, range: { offset: matrixBytes(cols, first), floats: matrixBytes(cols, rows) / 4 } };
}
