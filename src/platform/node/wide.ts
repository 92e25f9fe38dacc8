/** V8's flag that lets it pair 128-bit vectors into 256 bits (docs/decisions/0021). */
import { setFlagsFromString } from 'node:v8';

export const FLAG = '--experimental-wasm-revectorize';

/** Node 24 is the first whose V8 has the flag; an older V8 complains on standard error. */
const FIRST_NODE = 24;

/** Sets the flag, for the whole process; returns why it cannot be set, if it cannot. What V8 has optimised before stays as it is. */
export function widenVectors(): string | undefined {
  const { arch, versions } = process;
  if (versions.bun !== undefined || versions.deno !== undefined) return "only Node sets V8's flag";
  if (Number.parseInt(versions.node, 10) < FIRST_NODE)
    return `V8's flag needs Node ${FIRST_NODE} or later, this is Node ${versions.node}`;
  if (arch !== 'x64') return `V8 pairs vectors on x64, this is ${arch}`;
  setFlagsFromString(FLAG);
  return undefined;
}
