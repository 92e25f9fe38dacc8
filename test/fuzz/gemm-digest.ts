/**
 * Random products by every tile, then layer norm, softmax and attention of their matrices, in the builds that this engine runs, as a
 * process of its own: its V8 flags are the caller's. Fails where the bits of two tiles differ; prints the number of products and the
 * SHA-256 of all results.
 *
 * Usage: gemm-digest.ts SEED COUNT
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relaxedSimd } from 'wasm-feature-detect';
import { ACTIVATIONS, instantiateKernels, type Kernels } from '../../src/engine/kernels.js';
import { exactRangeOf } from '../../src/engine/probes.js';
import type { ActivationRange } from '../../src/engine/schemes.js';
import { SEVEN_BITS } from '../assembly/int8.js';
import { Random } from '../assembly/reference.js';

const [seed, count] = process.argv.slice(2).map(Number) as [number, number];
const TILES = {
  float32: ['gemmF32', 'gemmF32Wide'],
  // Paired steps take 7 bits only.
  int8: ['gemmI8', 'gemmI8Wide', 'gemmI8Paired'],
} as const;
const PAGES = 128;

interface Loaded {
  readonly build: string;
  readonly kernels: Kernels;
  readonly buffer: ArrayBufferLike;
  /** The activations that int8 products are exact for. */
  readonly widest: ActivationRange;
}

function load(build: string): Loaded {
  const bytes = readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
  const shared = build.endsWith('-threads');
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: shared ? PAGES : 65_536, shared });
  const module = new WebAssembly.Module(bytes);
  const widest = (build.startsWith('relaxed') && exactRangeOf(module, shared)) || SEVEN_BITS;
  return { build, kernels: instantiateKernels(module, memory), buffer: memory.buffer, widest };
}

/** The bytes of a matrix without its padding. */
function rowsOf(buffer: ArrayBufferLike, at: number, stride: number, rows: number, cols: number): Buffer {
  return Buffer.concat(Array.from({ length: rows }, (_, row) => Buffer.from(buffer, at + row * stride, cols * 4)));
}

const names = ['simd', 'simd-threads', ...((await relaxedSimd()) ? ['relaxed', 'relaxed-threads'] : [])];
const builds = names.map(load);
const hash = createHash('sha256');
const random = new Random(seed);
const below = (end: number) => Math.floor(random.next() * end);
/** An integer from 1 to `most`: half of them below its square root, since tiles and panels have their edges there. */
const size = (most: number) => 1 + below(below(2) === 0 ? most : Math.sqrt(most));

for (let done = 0; done < count; done++) {
  const [m, n, k] = [size(40), size(120), size(800)];
  const dtype = below(2) === 0 ? 'float32' : 'int8';
  const activation = below(ACTIVATIONS.length);
  const [a, b, bias, residual] = [
    random.weighty(m * k),
    random.weighty(k * n),
    random.weighty(n),
    random.weighty(m * n),
  ];
  const gaps = [below(4) * 4, below(4) * 4, below(4) * 4] as const;
  const added = below(2) === 0;
  const wide = below(2) === 0;
  const stretch = below(3) === 0 ? 64 : 1024;
  const label = `product ${done} from seed ${seed}: ${dtype}, m ${m}, n ${n}, k ${k}, ${ACTIVATIONS[activation]}`;
  for (const { build, kernels, buffer, widest } of builds) {
    const { lowest, highest } = wide ? widest : SEVEN_BITS;
    const floats = new Float32Array(buffer);
    let top = Math.ceil(Number(kernels.heapBase.value) / 16) * 16;
    const take = (bytes: number) => {
      const at = top;
      top += Math.ceil(bytes / 16) * 16;
      if (top > buffer.byteLength) throw new Error(`${label}: memory is too small`);
      return at;
    };
    const put = (x: Float32Array, rows: number, cols: number, stride: number) => {
      const at = take(rows * stride + 32);
      for (let row = 0; row < rows; row++)
        floats.set(x.subarray(row * cols, (row + 1) * cols), (at + row * stride) / 4);
      return at;
    };
    const width = ((n + 7) & ~7) * 4;
    const [lda, ldc, ldr] = [k * 4 + gaps[0], width + gaps[1], width + gaps[2]];
    const [aAt, biasAt, rAt] = [put(a, m, k, lda), put(bias, 1, n, width), put(residual, m, n, ldr)];
    const [bAt, panels] = [put(b, k, n, n * 4), take(kernels.panelsBytesI8(k, n, stretch) + k * width)];
    const scratch = take(Math.max(kernels.gemmScratchBytes(), kernels.gemmI8ScratchBytes(k, stretch)));
    const pack = dtype === 'float32' ? kernels.packF32 : kernels.packI8;
    pack(bAt, n * 4, 4, panels, k, n, 0, stretch);
    const cAt = take(m * ldc);
    let first: Buffer | undefined;
    for (const tile of TILES[dtype]) {
      if (tile === 'gemmI8Paired' && highest - lowest > 127) continue;
      floats.fill(Number.NaN, cAt / 4, (cAt + m * ldc) / 4);
      const from = added ? rAt : 0;
      kernels[tile](
        aAt,
        lda,
        panels,
        biasAt,
        cAt,
        ldc,
        m,
        n,
        k,
        activation,
        from,
        ldr,
        scratch,
        lowest,
        highest,
        stretch,
      );
      const bits = rowsOf(buffer, cAt, ldc, m, n);
      first ??= bits;
      if (!first.equals(bits)) throw new Error(`${label}, ${build}: ${tile} and ${TILES[dtype][0]} differ`);
    }
    hash.update(first as Buffer);
    // What follows a product in a layer, on its result, and one head's attention on rows of A.
    kernels.layerNorm(cAt, ldc, added ? rAt : 0, ldr, biasAt, biasAt, cAt, ldc, m, n, 1e-12);
    kernels.softmax(cAt, ldc, m, n);
    hash.update(rowsOf(buffer, cAt, ldc, m, n));
    const headDim = Math.min(Math.floor(k / 3), 64);
    if (headDim === 0) continue;
    const [maskAt, contextAt] = [put(new Float32Array(m), 1, m, (m + 7) * 4), take(m * headDim * 4 + 32)];
    const attentionScratch = take(kernels.attentionScratchBytes(m, headDim));
    const [keyAt, valueAt] = [aAt + headDim * 4, aAt + headDim * 8];
    let context: Buffer | undefined;
    for (const kernel of ['attention', 'attentionWide'] as const) {
      floats.fill(Number.NaN, contextAt / 4, contextAt / 4 + m * headDim);
      kernels[kernel](
        aAt,
        keyAt,
        valueAt,
        lda,
        maskAt,
        contextAt,
        headDim * 4,
        m,
        headDim,
        0.1,
        attentionScratch,
        0,
        0,
        m,
      );
      const bits = rowsOf(buffer, contextAt, headDim * 4, m, headDim);
      context ??= bits;
      if (!context.equals(bits)) throw new Error(`${label}, ${build}: attention and attentionWide differ`);
    }
    hash.update(context as Buffer);
  }
}
console.log(JSON.stringify({ products: count, builds: names, digest: hash.digest('hex') }));
