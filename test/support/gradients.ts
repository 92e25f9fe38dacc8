/** The gradients that float64 autograd of a PyTorch ALBERT found for the fixtures; they lie beside the repository. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { decodeSafetensors } from '../../src/weights/safetensors.js';

const FOLDER = new URL('../../../shared/fixtures/', import.meta.url);

export interface GradientFixture {
  /** `case/head`, as in test/fixtures/flax. */
  readonly name: string;
  readonly labels: Readonly<Record<string, { readonly data: BigInt64Array; readonly shape: readonly number[] }>>;
  readonly loss: number;
  /** Gradients by parameter, in PyTorch's orientation. */
  readonly grads: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

/** Every `case/head` with gradients; none where the fixtures are missing. */
export const GRADIENT_NAMES: readonly string[] = existsSync(FOLDER)
  ? readdirSync(FOLDER, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => readdirSync(new URL(`${name}/`, FOLDER)).map((head) => `${name}/${head}`))
      .filter((name) => existsSync(new URL(`${name}/gradients.safetensors`, FOLDER)))
  : [];

/** The largest error of PyTorch's own float32 gradients, and of its `loss`, by `case/head` and parameter. */
export function pytorchErrors(): Readonly<Record<string, Readonly<Record<string, number>>>> {
  return JSON.parse(readFileSync(new URL('gradient_error_float32.json', FOLDER), 'utf8'));
}

export function readGradients(name: string): GradientFixture {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}/gradients.safetensors`, FOLDER)));
  const labels: Record<string, { data: BigInt64Array; shape: readonly number[] }> = {};
  const grads = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  let loss = Number.NaN;
  for (const [key, { bytes: part, shape }] of decodeSafetensors(bytes, name).tensors) {
    const { buffer } = new Uint8Array(part);
    if (key.startsWith('labels.')) labels[key.slice(7)] = { data: new BigInt64Array(buffer), shape: [...shape] };
    else if (key.startsWith('grad.')) grads.set(key.slice(5), { shape, data: new Float32Array(buffer) });
    else if (key === 'loss') loss = new Float64Array(buffer)[0] as number;
  }
  return { name, labels, loss, grads };
}
