/** The one source of pseudorandom numbers: of dropout masks and of initial weights. */

/** 32 bits of a seed of up to 53 and a counter, by the finaliser of MurmurHash3. */
export function mix(seed: number, counter: number): number {
  let h = finalize(seed | 0);
  h = finalize(h ^ Math.floor(seed / 2 ** 32));
  return finalize(h ^ Math.imul(counter + 1, 0x9e3779b1));
}

function finalize(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
