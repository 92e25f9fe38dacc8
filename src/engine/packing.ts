/** Weights into panels and out of them, in any dtype. */
import type { LinearMemory } from './memory.js';
import type { Levels, Panels, PanelsDtype, Scheme } from './schemes.js';

export class Packing {
  readonly #memory: LinearMemory;
  readonly #schemes: Readonly<Record<PanelsDtype, Scheme>>;
  readonly #scratch: { readonly address: number; readonly bytes: number };

  /** @param scratch memory for a column of the deepest matrix at least, as float32 */
  constructor(
    memory: LinearMemory,
    schemes: Readonly<Record<PanelsDtype, Scheme>>,
    scratch: { readonly address: number; readonly bytes: number },
  ) {
    this.#memory = memory;
    this.#schemes = schemes;
    this.#scratch = scratch;
  }

  /** Inputs of the deepest product whose sums do not overflow. */
  maxInputs(dtype: PanelsDtype): number {
    return this.#schemes[dtype].maxInputs;
  }

  /** Bytes of an (inputs, outputs) matrix in panels. */
  panelsBytes(dtype: PanelsDtype, inputs: number, outputs: number): number {
    return this.#schemes[dtype].panelsBytes(inputs, outputs);
  }

  /** Packs `outputs` columns from column `first` on; element (input, output) is at source + input · strideK + output · strideN. */
  pack(
    { address, dtype }: Panels,
    source: number,
    [strideK, strideN]: readonly [number, number],
    [inputs, outputs]: readonly [number, number],
    first: number,
  ): void {
    this.#schemes[dtype].pack(source, strideK, strideN, address, inputs, outputs, first);
  }

  /** As `pack`, for an (outputs, inputs) matrix that is already quantised: its levels, and one scale per output. */
  packLevels(
    { address, dtype }: Panels,
    levels: number,
    scales: number,
    [inputs, outputs]: readonly [number, number],
    first: number,
  ): void {
    this.#levelsOf(dtype).pack(levels, scales, address, inputs, outputs, first);
  }

  /** The quantised form of packed columns, copied; the panels are of a quantised dtype. */
  unpackLevels(
    { address, dtype }: Panels,
    inputs: number,
    outputs: number,
    first: number,
  ): { levels: Int8Array; scales: Float32Array } {
    const { unpack } = this.#levelsOf(dtype);
    const [levels, scales] = [new Int8Array(outputs * inputs), new Float32Array(outputs)];
    const scaleAt = this.#scratch.address;
    const levelsAt = scaleAt + 4;
    for (let output = 0; output < outputs; output++) {
      unpack(address, inputs, 1, first + output, levelsAt, scaleAt);
      levels.set(new Int8Array(this.#memory.wasm.buffer, levelsAt, inputs), output * inputs);
      scales[output] = this.#memory.f32(scaleAt, 1)[0] as number;
    }
    return { levels, scales };
  }

  #levelsOf(dtype: PanelsDtype): Levels {
    const { levels } = this.#schemes[dtype];
    if (levels === undefined) throw new TypeError(`${dtype} panels have no levels`);
    return levels;
  }

  /** A float32 copy of packed columns, (outputs, inputs); of quantised panels, the dequantised numbers. */
  unpack({ address, dtype }: Panels, inputs: number, outputs: number, first: number): Float32Array {
    const { address: target, bytes } = this.#scratch;
    const result = new Float32Array(outputs * inputs);
    const most = Math.floor(bytes / (inputs * 4));
    for (let output = 0; output < outputs; output += most) {
      const count = Math.min(most, outputs - output);
      this.#schemes[dtype].unpack(address, inputs, count, first + output, target);
      result.set(this.#memory.f32(target, count * inputs), output * inputs);
    }
    return result;
  }
}
