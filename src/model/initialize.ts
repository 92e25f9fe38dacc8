/** FlaxAlbert's initialisation: normal(initializer_range) for weights, zeros for biases, ones for layer norm scales. */
import { mix } from './dropout.js';
import type { ParameterSource } from './load.js';
import type { Parameter } from './parameters.js';

/** The initial value of a parameter; `index`, its place in the model, gives each its own random numbers. */
export function initialValue(
  { initial }: Parameter,
  index: number,
  seed: number,
  initializer_range: number,
): ParameterSource {
  return {
    transposed: false,
    fill(target) {
      if (initial === 'normal') fillNormal(target, mix(seed, index), initializer_range);
      else target.fill(initial === 'ones' ? 1 : 0);
    },
  };
}

/** Independent samples of normal(0, deviation) by the Box-Muller transform. */
function fillNormal(target: Float32Array, seed: number, deviation: number): void {
  // From (0, 1): the logarithm of zero must not happen.
  const uniform = (i: number) => ((mix(seed >>> 0, i) >>> 0) + 0.5) / 2 ** 32;
  for (let i = 0; i < target.length; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(uniform(i)));
    const angle = 2 * Math.PI * uniform(i + 1);
    target[i] = radius * Math.cos(angle);
    if (i + 1 < target.length) target[i + 1] = radius * Math.sin(angle);
  }
}
