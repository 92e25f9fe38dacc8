/** Products with a right factor in panels, and the memory of one call. */

import { ACTIVATIONS, type Kernels } from '../engine/kernels.js';
import type { LinearMemory, Region } from '../engine/memory.js';
import type { schemesOf } from '../engine/schemes.js';
import type { Kernel } from '../engine/work-queue.js';
import type { Dtype } from '../ground/dtypes.js';
import type { ProductOptions } from './options.js';

/** Bytes of a matrix that are packed at once. */
const STAGING_BYTES = 2 ** 20;

/** What a call computes with. */
export interface Workspace {
  readonly kernels: Kernels;
  readonly memory: LinearMemory;
  readonly schemes: ReturnType<typeof schemesOf>;
}

/** The right factor of a product, in panels. */
interface Panels {
  readonly address: number;
  readonly dtype: Dtype;
  readonly k: number;
  readonly n: number;
}

/** Runs the work of one call with a region above everything in use, and frees the region afterwards. */
export function inRegion<T>({ memory }: Workspace, work: (region: Region) => T): T {
  const before = memory.used;
  try {
    return work(memory.region());
  } finally {
    memory.release(before);
  }
}

/** @throws ERR_MEMORY for a result that is too large */
export function zeros({ memory }: Workspace, length: number): Float32Array {
  memory.checkOutput(length * 4);
  return new Float32Array(length);
}

/** The product of `a` (m, k) with a packed matrix; no factor is empty. */
export function multiply(
  workspace: Workspace,
  a: Float32Array,
  m: number,
  { address, dtype, k, n }: Panels,
  options: ProductOptions,
): Float32Array {
  const { kernels, memory, schemes } = workspace;
  const { bias = new Float32Array(n), activation = 'identity', residual } = options;
  const { gemm, gemmArguments, scratchBytes } = schemes[dtype];
  return inRegion(workspace, (region) => {
    const [left, start, out] = [region.matrix(m, k), region.matrix(1, n), region.matrix(m, n)];
    const added = residual && region.matrix(m, n);
    const scratch = region.take(scratchBytes(k));
    memory.claim(region);
    memory.write(left, a);
    memory.write(start, bias);
    if (added) memory.write(added, residual);
    const { address: addedAt = 0, stride: ldAdded = 0 } = added ?? {};
    const [ldLeft, ldOut, number] = [left.stride, out.stride, ACTIVATIONS.indexOf(activation)];
    gemm.run({ rows: m, inputs: k, outputs: n }, (kernel) => {
      const [leftAt, startAt, outAt] = [left.address, start.address, out.address];
      const product = [leftAt, ldLeft, address, startAt, outAt, ldOut, m, n, k, number, addedAt, ldAdded, scratch];
      (kernels[kernel] as Kernel)(...product, ...gemmArguments);
    });
    return memory.read(out);
  });
}

/** Packs a matrix (k, n) at the panels' address, a few columns at a time. */
export function packPanels(workspace: Workspace, b: Float32Array, { address, dtype, k, n }: Panels): void {
  const { memory, schemes } = workspace;
  const { pack, panelsBytes } = schemes[dtype];
  inRegion(workspace, (region) => {
    const most = Math.min(n, Math.max(1, Math.floor(STAGING_BYTES / (k * 4))));
    const staging = region.take(k * most * 4);
    memory.claim(region);
    // The unused lanes of a panel are read too.
    memory.f32(address, panelsBytes(k, n) / 4).fill(0);
    for (let first = 0; first < n; first += most) {
      const count = Math.min(most, n - first);
      const columns = memory.f32(staging, k * count);
      for (let i = 0; i < k; i++) columns.set(b.subarray(i * n + first, i * n + first + count), i * count);
      pack(staging, count * 4, 4, address, k, count, first);
    }
  });
}
