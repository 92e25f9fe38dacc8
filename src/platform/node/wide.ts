/** V8's flag that lets it pair 128-bit vectors into 256 bits (docs/decisions/0021). */
import { setFlagsFromString } from 'node:v8';

export const FLAG = '--experimental-wasm-revectorize';

/** Node 24 is the first whose V8 has the flag; an older V8 complains on standard error. */
const FIRST_NODE = 24;

/** Why vectors have only `bits` bits although the flag was asked for; `undefined` bits: not known yet. */
type WhyNotWide = (bits: number | undefined) => string | undefined;

/** V8 does not say whether it pairs vectors, so the reason is one of these. */
const NOT_PAIRED =
  "V8's flag is set, and its vectors are not faster here: either a model computed in this process before the flag was set, or the processor has no AVX2";

/** Sets the flag, for the whole process. What V8 has optimised before stays as it is. */
export function widenVectors(): WhyNotWide {
  const reason = whyNotSet();
  if (reason === undefined) setFlagsFromString(FLAG);
  return (bits) => reason ?? (bits === 128 ? NOT_PAIRED : undefined);
}

/** Why the flag cannot be set, if it cannot. */
function whyNotSet(): string | undefined {
  const { arch, versions } = process;
  if (versions.bun !== undefined || versions.deno !== undefined) return "only Node sets V8's flag";
  if (Number.parseInt(versions.node, 10) < FIRST_NODE)
    return `V8's flag needs Node ${FIRST_NODE} or later, this is Node ${versions.node}`;
  return arch === 'x64' ? undefined : `V8 pairs vectors on x64, this is ${arch}`;
}
