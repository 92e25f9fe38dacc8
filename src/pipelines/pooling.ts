/**
 * From the states of a text's tokens to one vector.
 *
 * Source: `Pooling` of sentence-transformers, whose names these are.
 */

/** A way to make one vector of many. */
export type Pooling = 'cls' | 'max' | 'mean' | 'mean_sqrt_len_tokens' | 'weightedmean' | 'lasttoken';

/** A text's tokens, in the windows that it was read in. */
export interface TokenStates {
  /** Each window's states, and its rows `[from, to)` that count: of tokens that two windows share, each has half. */
  readonly windows: readonly { readonly states: Float32Array; readonly rows: readonly [from: number, to: number] }[];
  readonly size: number;
  /** Tokens at the beginning that no mean and no maximum counts: a prompt's. Fewer than there are. */
  readonly skipped: number;
}

/** In the order in which sentence-transformers joins them. Each fills `target`, (size), which holds zeros. */
const POOLINGS: Readonly<Record<Pooling, (tokens: TokenStates, target: Float64Array) => void>> = {
  cls: ({ windows, size }, target) => {
    for (const { states } of windows) add(target, states.subarray(0, size), 1 / windows.length);
  },
  max(tokens, target) {
    target.fill(Number.NEGATIVE_INFINITY);
    for (const { state } of counted(tokens)) {
      state.forEach((value, i) => {
        target[i] = Math.max(target[i] as number, value);
      });
    }
  },
  mean: (tokens, target) => weighted(tokens, target, () => 1),
  mean_sqrt_len_tokens(tokens, target) {
    const root = Math.sqrt(weighted(tokens, target, () => 1));
    for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) * root;
  },
  // A token weighs as much as its position, from 1.
  weightedmean: (tokens, target) => weighted(tokens, target, (position) => position + 1),
  lasttoken: ({ windows, size }, target) => {
    for (const { states } of windows) add(target, states.subarray(states.length - size), 1 / windows.length);
  },
};

export const POOLING_NAMES = Object.keys(POOLINGS) as readonly Pooling[];

/**
 * The poolings of a text, one after another. Means and maxima are over all of its tokens; the first and the last token, of
 * which each window has one, are the mean of theirs.
 *
 * @returns (poolings × size)
 */
export function poolTokens(tokens: TokenStates, poolings: readonly Pooling[]): Float32Array {
  const { size } = tokens;
  const vector = new Float32Array(poolings.length * size);
  for (const [i, pooling] of poolings.entries()) {
    const target = new Float64Array(size);
    POOLINGS[pooling](tokens, target);
    vector.set(target, i * size);
  }
  return vector;
}

/** The states of all tokens: (seq × size). */
export function allTokens({ windows, size }: TokenStates): Float32Array {
  const [first] = windows;
  if (windows.length === 1 && first !== undefined) return first.states;
  const parts = windows.map(({ states, rows: [from, to] }) => states.subarray(from * size, to * size));
  const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Scales each row of `size` to length 1, in place; a row of zeros stays. */
export function normalizeRows(data: Float32Array, size: number): void {
  for (let start = 0; start < data.length; start += size) {
    const row = data.subarray(start, start + size);
    const length = Math.hypot(...row);
    if (length > 0)
      row.forEach((value, i) => {
        row[i] = value / length;
      });
  }
}

/** The tokens that count, with their positions in the text. */
function* counted({ windows, size, skipped }: TokenStates): Iterable<{ state: Float32Array; position: number }> {
  let position = 0;
  for (const { states, rows } of windows) {
    for (let row = rows[0]; row < rows[1]; row++, position++) {
      if (position >= skipped) yield { state: states.subarray(row * size, (row + 1) * size), position };
    }
  }
}

/** The weighted mean. @returns the sum of the weights */
function weighted(tokens: TokenStates, target: Float64Array, weight: (position: number) => number): number {
  let sum = 0;
  for (const { state, position } of counted(tokens)) {
    add(target, state, weight(position));
    sum += weight(position);
  }
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) / sum;
  return sum;
}

function add(target: Float64Array, values: Float32Array, factor: number): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + factor * (values[i] as number);
}
