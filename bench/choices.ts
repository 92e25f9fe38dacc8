/** The command-line choices that several benches share. Each reader throws for a wrong one. */
import { MAX_THREADS } from '../src/engine/runtime.js';
import { DTYPES, type Dtype } from '../src/ground/dtypes.js';

/** The shapes of a full report. */
export const SHAPES: readonly string[] = ['1x16', '1x128', '8x128', '1x512'];

/** Reads "float32,int8". */
export function parseDtypes(text = 'float32,int8'): Dtype[] {
  return chooseSome('dtype', text, DTYPES);
}

/** Reads "1,2". */
export function parseThreads(text = '1,2'): number[] {
  return text.split(',').map((one) => parseCount('threads', one, 1, MAX_THREADS));
}

/** A whole number. */
export function parseCount(option: string, text: string, least = 1, most = Number.MAX_SAFE_INTEGER): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (count >= least && count <= most) return count;
  const end = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
  throw new Error(`--${option} expected a whole number from ${least}${end}, got "${text}"`);
}

/** How long something is measured for: a number from 0, which stands for the fewest rounds. */
export function parseSeconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new Error(`--seconds expected a number from 0, such as 0.5, got "${text}"`);
}

/** Those of the known that a comma-separated list names; all without one. */
export function chooseSome<T extends string>(option: string, list: string | undefined, known: readonly T[]): T[] {
  if (list === undefined) return [...known];
  return list.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new Error(`--${option} expected some of ${known.join(', ')}, got "${name}"`);
    return found;
  });
}
