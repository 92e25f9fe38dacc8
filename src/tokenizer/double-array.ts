/**
 * The units of darts-clone's double-array tries, and the check that a trie of a stranger ends.
 *
 * Units that spell equal ends of keys are shared (darts-clone builds from a DAWG), so a trie need not be a tree.
 */
import { mismatch } from '../ground/errors.js';

/** The longest key in bytes. Those of the standard maps have at most 18. */
export const MAX_KEY_BYTES = 256;

/** Where the children of a unit lie: exclusive-or of its index, this and the child's byte. */
export function base(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

/** The top bit is part of the label: it keeps a leaf from matching any byte. */
export function label(unit: number): number {
  return (unit & 0x800000ff) >>> 0;
}

/** Whether a key ends with a unit. */
export function hasLeaf(unit: number): boolean {
  return ((unit >>> 8) & 1) === 1;
}

/**
 * Looks at every path from the root once: in time linear in the units, however often they are shared.
 *
 * @throws ERR_TOKENIZER when a unit can be reached from itself, or a key has more than 256 bytes
 */
export function checkDepth(units: Uint32Array): void {
  const { length } = units;
  // A unit is a child where its index, less its label, is the base of a unit: children in lists by that base.
  const firstChild = new Int32Array(length).fill(-1);
  const nextChild = new Int32Array(length).fill(-1);
  for (let i = length - 1; i >= 0; i--) {
    const byte = label(units[i]!);
    const origin = i ^ byte;
    // Byte 0 stands for the leaf, and leads on from no unit.
    if (byte === 0 || byte > 0xff || origin >= length) continue;
    nextChild[i] = firstChild[origin]!;
    firstChild[origin] = i;
  }
  const childrenOf = (unit: number) => firstChild[unit ^ base(units[unit]!)]!;
  /** One more than the most bytes below a unit; negative while it is on the path, 0 before it was seen. */
  const depth = new Int32Array(length);
  const path = [0];
  const candidates = [firstChild[base(units[0]!)]!];
  depth[0] = -1;
  while (path.length > 0) {
    const unit = path.at(-1) as number;
    const child = candidates.at(-1) as number;
    if (child === -1) {
      path.pop();
      candidates.pop();
      depth[unit] = -depth[unit]!;
    } else if (depth[child] === 0 && path.length <= MAX_KEY_BYTES) {
      depth[child] = -1;
      path.push(child);
      candidates.push(childrenOf(child));
    } else if (depth[child]! <= 0 || path.length + depth[child]! > MAX_KEY_BYTES + 1) {
      throw mismatch(
        'ERR_TOKENIZER',
        'precompiled_charsmap',
        `keys of at most ${MAX_KEY_BYTES} bytes`,
        'longer ones or a cycle',
      );
    } else {
      candidates[candidates.length - 1] = nextChild[child]!;
      depth[unit] = Math.min(depth[unit]!, -(depth[child]! + 1));
    }
  }
}
