/** How much the suites of this folder do: a few seconds in `npm test`, or with `FAULTS=long` what docs/trust states. */
const LONG = process.env.FAULTS === 'long';

/** The number for this run. */
export function size(push: number, long: number): number {
  return LONG ? long : push;
}
