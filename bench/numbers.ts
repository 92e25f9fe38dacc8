/** Seeded numbers, the same on every machine. */

/** Fills `target` with numbers from `low` to below `high`. */
export function fillUniform(target: Float32Array, seed: number, low: number, high: number): Float32Array {
  let state = (seed * 2 + 1) | 0;
  for (let i = 0; i < target.length; i++) {
    state = Math.imul(state, 0x915f77f5) + 1;
    target[i] = low + (((state ^ (state >>> 15)) >>> 0) / 2 ** 32) * (high - low);
  }
  return target;
}

/** Numbers from `low` to below `high` in an array of their own. */
export function uniform(length: number, seed: number, low: number, high: number): Float32Array {
  return fillUniform(new Float32Array(length), seed, low, high);
}
