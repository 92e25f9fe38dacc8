/** The weights of the fixtures: a value is a pure function of the tensor's name and the flat index. */

/** FNV-1a of the name's bytes. */
function hash(name: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193);
  return h;
}

/** Numbers from -1 to below 1. */
function unit(h: number, index: number): number {
  let x = (Math.imul(index, 0x9e3779b1) + h) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  x ^= x >>> 16;
  return ((x >>> 0) / 2 ** 32) * 2 - 1;
}

/** The tensor of a PyTorch name and shape, as `scripts/formula.py` makes it. */
export function formulaTensor(name: string, shape: readonly number[]): Float32Array {
  const h = hash(name);
  const fanIn = shape.at(-1) as number;
  const gain = name.includes('.query.') || name.includes('.key.') ? 1.6 : 1;
  const value =
    name.includes('LayerNorm.weight') || name.includes('layer_norm.weight')
      ? (u: number) => 1 + 0.2 * u
      : name.endsWith('bias')
        ? (u: number) => 0.1 * u
        : name.includes('embeddings')
          ? (u: number) => 0.5 * u
          : (u: number) => u * (gain * Math.sqrt(3 / fanIn));
  const size = shape.reduce((product, dim) => product * dim, 1);
  return Float32Array.from({ length: size }, (_, i) => value(unit(h, i)));
}
