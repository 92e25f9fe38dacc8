/** The memory that a training holds above a model's weights: gradients and both moments of what is trained. */
import { Region } from '../engine/memory.js';
import { TrainingEngine } from '../engine/training-engine.js';
import { AlbertError, mismatch } from '../ground/errors.js';
import { type ParameterSource, packWeights, readParameter, stagingFloats } from '../model/parameters/pack.js';
import type { Parameter } from '../model/parameters/table.js';
import type { ModelAccess } from '../model/runners/local.js';
import { readFloat32, type StoredTensor } from '../weights/checkpoint.js';
import type { TensorToWrite } from '../weights/safetensors.js';
import { type GradientEntry, GradientMap } from './network/gradients.js';
import { Update } from './update.js';

export type Moment = 'm' | 'v';
const MOMENTS = ['m', 'v'] as const;

export class Held {
  readonly training: TrainingEngine;
  readonly gradients: GradientMap;
  readonly update: Update;
  readonly #access: ModelAccess;
  /** Bytes of the model's memory that were in use before. */
  readonly #before: number;

  private constructor(
    access: ModelAccess,
    training: TrainingEngine,
    trainable: (name: string) => boolean,
    most: number,
  ) {
    const { memory } = access.engine;
    this.#access = access;
    this.#before = memory.used;
    this.training = training;
    const region = memory.region();
    this.gradients = new GradientMap(region, access.layout, trainable);
    this.update = new Update(region, training, this.gradients);
    if (region.end > most) {
      const need = `a need of ${region.end} for weights, gradients and moments; maxMemoryBytes sets the limit`;
      throw new AlbertError('ERR_MEMORY', `"memory" expected at most ${most} bytes, got ${need}`);
    }
    memory.claim(region);
  }

  /**
   * Claims the memory; the moments are 0.
   *
   * @param trainable whether a parameter, by its name, is trained
   * @param most bytes of the model's memory
   * @throws ERR_MEMORY, ERR_ENVIRONMENT where WebAssembly may not run, ERR_SOURCE when the kernels cannot be read
   */
  static async claim(access: ModelAccess, trainable: (name: string) => boolean, most: number): Promise<Held> {
    const held = new Held(access, await TrainingEngine.make(access.engine), trainable, most);
    const { start, end } = held.#momentsRange();
    access.engine.memory.f32(start, (end - start) / 4).fill(0);
    return held;
  }

  release(): void {
    this.#access.engine.memory.release(this.#before);
  }

  /** Copies of all moments, in PyTorch's orientation, named `m.NAME` and `v.NAME`. */
  *moments(): Generator<TensorToWrite> {
    for (const entry of this.gradients.entries) {
      const { name, shape } = entry.parameter;
      for (const kind of MOMENTS) {
        const { data } = readParameter(this.#access.engine, this.#momentOf(entry, kind));
        yield { name: `${kind}.${name}`, shape, data };
      }
    }
  }

  /**
   * Fills the moments from a file.
   *
   * @throws ERR_PARAMETER for moments that are not finite and second moments below 0, ERR_SOURCE, ERR_ABORTED
   */
  async fill(momentIn: (kind: Moment, name: string) => StoredTensor, signal: AbortSignal | undefined): Promise<void> {
    const { engine } = this.#access;
    const sources = new Map<Parameter, ParameterSource>();
    for (const entry of this.gradients.entries) {
      for (const kind of MOMENTS) {
        const tensor = momentIn(kind, entry.parameter.name);
        sources.set(this.#momentOf(entry, kind), {
          stored: tensor.name,
          transposed: false,
          fill: async (target, first) => {
            await readFloat32(tensor, target, first);
            const below = kind === 'v' ? target.find((value) => value < 0) : undefined;
            if (below !== undefined) throw mismatch('ERR_PARAMETER', tensor.name, 'numbers of at least 0', below);
          },
        });
      }
    }
    const { memory } = engine;
    const before = memory.used;
    const region = new Region(before);
    const staging = region.take(stagingFloats([...sources.keys()]) * 4);
    memory.claim(region);
    try {
      await packWeights(engine, sources, this.#momentsRange(), staging, signal);
    } finally {
      memory.release(before);
    }
  }

  #momentsRange(): { start: number; end: number } {
    const { start, bytes } = this.gradients;
    return { start: start + this.update.m, end: start + this.update.v + bytes };
  }

  /** A parameter whose numbers are a moment. */
  #momentOf({ parameter, weights, gradient }: GradientEntry, kind: Moment): Parameter {
    const { location } = parameter;
    const distance = gradient - weights + this.update[kind];
    const moved =
      location.kind === 'panels'
        ? { ...location, panels: { ...location.panels, address: location.panels.address + distance } }
        : { ...location, address: location.address + distance };
    return { ...parameter, location: moved };
  }
}
