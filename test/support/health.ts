/** Whether a model is as it was: the same answer bit for bit, no memory in use, no page more, nothing left running. */
import * as assert from 'uvu/assert';
import { LinearMemory } from '../../src/engine/memory.js';
import type { AlbertModel } from '../../src/model/models.js';
import { resources, resourcesBeside } from './resources.js';
import { TINY_INPUTS } from './tiny.js';

interface Baseline {
  readonly memory: LinearMemory;
  readonly used: number;
  readonly pages: number;
  readonly alive: readonly string[];
  readonly answer: Float32Array;
}

const baselines = new WeakMap<AlbertModel, Baseline>();

/** Makes a model and notes how it is, for {@link assertHealthy} to compare with. */
export async function observed(make: () => Promise<AlbertModel>): Promise<AlbertModel> {
  const { model, memory } = await withMemory(make);
  await baseline(model, memory);
  return model;
}

/** Fails unless the model answers, and holds memory, as when it was last noted. */
export async function assertHealthy(model: AlbertModel): Promise<void> {
  const { memory, used, pages, alive, answer } = noted(model);
  assert.equal(await golden(model), answer, 'the answer');
  assert.is(memory.used, used, 'bytes in use');
  assert.is(memory.bytes, pages, 'bytes of pages');
  assert.equal(await resourcesBeside(alive), [], 'what keeps the process alive');
}

/** As {@link assertHealthy}, after a forward that was larger than all before it: the memory has grown, once. */
export async function assertGrown(model: AlbertModel): Promise<void> {
  const { memory, used, pages } = noted(model);
  assert.ok(memory.bytes > pages, 'the memory has not grown');
  assert.is(memory.used, used, 'bytes in use');
  await baseline(model, memory);
}

export async function golden(model: AlbertModel): Promise<Float32Array> {
  return (await model.forward(TINY_INPUTS)).last_hidden_state.data;
}

function noted(model: AlbertModel): Baseline {
  const found = baselines.get(model);
  if (found === undefined) throw new TypeError('only a model that was made by observed() can be compared');
  return found;
}

async function baseline(model: AlbertModel, memory: LinearMemory): Promise<void> {
  const { used } = memory;
  const answer = await golden(model);
  baselines.set(model, { memory, used, pages: memory.bytes, alive: await resources(), answer });
}

/** The model keeps its memory to itself: it is seen on its first claim. */
async function withMemory(make: () => Promise<AlbertModel>) {
  const { claim } = LinearMemory.prototype;
  let memory: LinearMemory | undefined;
  LinearMemory.prototype.claim = function (region) {
    memory = this;
    claim.call(this, region);
  };
  try {
    const model = await make();
    if (memory === undefined) throw new TypeError('the model claimed no memory');
    return { model, memory };
  } finally {
    LinearMemory.prototype.claim = claim;
  }
}
