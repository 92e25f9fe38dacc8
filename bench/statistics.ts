/** Order statistics, which withstand a neighbour's burst as means do not, and the measure of an approximate answer. */

/** The value below which a share `q` of the values lie, interpolated between neighbours. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('no values were measured');
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low + (high - low) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quartiles(values: readonly number[]): [number, number] {
  return [quantile(values, 0.25), quantile(values, 0.75)];
}

/** `a[i] / b[i]` */
export function ratios(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value / (b[i] as number));
}

/** Mean squared error by mean square (NMSE): the part of an answer's energy that is error. NaN anywhere makes it NaN. */
export function nmse(got: ArrayLike<number>, want: ArrayLike<number>): number {
  sameLength(got, want);
  let [error, energy] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    error += ((got[i] as number) - (want[i] as number)) ** 2;
    energy += (want[i] as number) ** 2;
  }
  return error / energy;
}

/** Largest absolute difference; NaN anywhere makes it NaN. */
export function largestDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  sameLength(got, want);
  let most = 0;
  for (let i = 0; i < want.length; i++) most = Math.max(most, Math.abs((got[i] as number) - (want[i] as number)));
  return most;
}

function sameLength(got: ArrayLike<number>, want: ArrayLike<number>): void {
  if (got.length !== want.length) throw new Error(`expected ${want.length} numbers, got ${got.length}`);
}
