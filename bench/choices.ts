/** The command-line choices that several benches share. */
import { DTYPES, type Dtype } from '../src/ground/dtypes.js';

/** The shapes of a full report. */
export const SHAPES: readonly string[] = ['1x16', '1x128', '8x128', '1x512'];

/** Reads "float32,int8". */
export function parseDtypes(text: string): Dtype[] {
  return text.split(',').map((name) => {
    const dtype = DTYPES.find((known) => known === name);
    if (dtype === undefined) throw new Error(`a dtype is ${DTYPES.join(' or ')}, not "${name}"`);
    return dtype;
  });
}
