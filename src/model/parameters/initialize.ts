/** FlaxAlbert's initialisation: normal(initializer_range) for weights, zeros for biases, ones for layer norm scales. */

import { mix } from '../random.js';
import type { FloatSource } from './pack.js';
import type { Parameter } from './table.js';

/** The initial value of a parameter; `index`, its index in the table, gives each its own random numbers. */
export function initialValue(
  { initial }: Parameter,
  index: number,
  seed: number,
  initializer_range: number,
): FloatSource {
  return {
    transposed: false,
    fill(target, first) {
      if (initial === 'normal') fillNormal(target, first, mix(seed, index), initializer_range);
      else target.fill(initial === 'ones' ? 1 : 0);
    },
  };
}

/** Independent samples of normal(0, deviation) by the Box-Muller transform, from the `first` of their sequence on. */
function fillNormal(target: Float32Array, first: number, seed: number, deviation: number): void {
  // From (0, 1): the logarithm of zero must not happen.
  const uniform = (i: number) => ((mix(seed >>> 0, i) >>> 0) + 0.5) / 2 ** 32;
  // They come in pairs; a typed array ignores the half of a pair that lies outside.
  for (let i = first - (first % 2); i < first + target.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(uniform(i)));
    const angle = 2 * Math.PI * uniform(i + 1);
    target[i - first] = radius * Math.cos(angle);
    target[i - first + 1] = radius * Math.sin(angle);
  }
}
