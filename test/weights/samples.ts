/** What the tests of this folder share: the real files, seeded numbers, and how a refusal is checked. */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';

import type { FileBytes } from '../../src/ground/bytes.js';
import { AlbertError, type AlbertErrorCode } from '../../src/ground/errors.js';
import { type Checkpoint, decodeFloat32, type StoredTensor } from '../../src/weights/checkpoint.js';
import type { TensorToWrite } from '../../src/weights/safetensors.js';

/** The fixtures that hold the same weights as written by safetensors and by flax.serialization. */
export const REAL_CASES = [
  'tiny/model',
  'tiny/pretraining',
  'tiny/question_answering',
  'groups/pretraining',
  'untied_relu/pretraining',
] as const;

/** A fixture's file as a plain Uint8Array: a Buffer would compare as another type. */
export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../fixtures/flax/${path}`, import.meta.url)));
}

/** The numbers of a tensor in memory. */
export function decoded(tensor: StoredTensor): Float32Array {
  const count = tensor.shape.reduce((product, dim) => product * dim, 1);
  const target = new Float32Array(count);
  decodeFloat32(tensor as StoredTensor<Uint8Array>, target);
  return target;
}

/** A checkpoint's tensors, ready to be written again. */
export function rewritable(checkpoint: Checkpoint): TensorToWrite[] {
  return [...checkpoint.tensors.values()].map((t) => ({ name: t.name, shape: t.shape, data: decoded(t) }));
}

/** Bytes as an open file would give them, which reads into nothing but its target and never past its end. */
export function openFile(bytes: Uint8Array): FileBytes & { readonly closed: boolean } {
  return {
    closed: false,
    length: bytes.length,
    async read(target, offset) {
      assert.ok(offset >= 0 && offset + target.length <= bytes.length, `${target.length} bytes from ${offset} on`);
      target.set(bytes.subarray(offset, offset + target.length));
    },
    async close() {
      assert.not(this.closed, 'closed once');
      Object.assign(this, { closed: true });
    },
  };
}

/** Whether two arrays hold the same bytes; `assert.equal` walks them at a hundredth of the speed. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Fails unless the call throws an AlbertError of this code, whose message holds every one of these words. */
export function refuses(call: () => unknown, code: AlbertErrorCode, ...words: string[]): void {
  try {
    call();
  } catch (error) {
    isRefusal(error, code, words);
    return;
  }
  assert.unreachable(`expected ${code}: ${words.join(', ')}`);
}

/** As {@link refuses}, for a promise. */
export async function rejects(call: Promise<unknown>, code: AlbertErrorCode, ...words: string[]): Promise<void> {
  await call.then(
    () => assert.unreachable(`expected ${code}: ${words.join(', ')}`),
    (error) => isRefusal(error, code, words),
  );
}

function isRefusal(error: unknown, code: AlbertErrorCode, words: string[]): void {
  assert.instance(error, AlbertError);
  assert.is((error as AlbertError).code, code);
  for (const word of words)
    assert.ok((error as Error).message.includes(word), `"${(error as Error).message}": ${word}`);
}

/** Seeded uniform integers below a bound (mulberry32). */
export function seeded(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/** A safetensors file with any header text, right or wrong. */
export function safetensorsFile(header: string | Uint8Array, dataBytes: number, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}
