/** A batch: the sequences of one or more inputs, packed one after another with no token between them. */
import type { Engine } from '../../engine/engine.js';
import { type Matrix, rowsOf } from '../../engine/memory.js';
import { Tensor } from '../../ground/tensor.js';
import type { CheckedInputs } from '../inputs.js';

/** Rows `from` to `to` of a matrix, and the shape in which a caller receives them. */
export interface Rows {
  readonly from: number;
  readonly to: number;
  readonly shape: readonly number[];
}

/** One of a batch's inputs: sequences of one length, and where they lie. */
export interface Rectangle extends CheckedInputs {
  /** Its tokens: (batch, seq). */
  readonly tokens: Rows;
  /** Its sequences: (batch), or (batch, choices). */
  readonly sequences: Rows;
  /** Its tokens among those that the head computes: (…leading, seq), or (head tokens). */
  readonly headTokens: Rows;
}

export interface Batch {
  readonly rectangles: readonly Rectangle[];
  readonly sequences: number;
  readonly tokens: number;
  /** The first token of each sequence. */
  readonly starts: readonly number[];
  /** The length of its longest sequence. */
  readonly longest: number;
  /** How many tokens the head computes. */
  readonly headTokens: number;
  /** Their rows among all tokens; `undefined` where they are all. */
  readonly headRows: readonly number[] | undefined;
}

/**
 * The rows among all tokens that a head reads after the last layer, in their order; `undefined` where they are all.
 *
 * @param hidden whether the head reads the hidden states of its tokens
 * @param pooler whether it reads the pooler's output
 */
export function rowsRead(batch: Batch, { hidden, pooler }: { hidden: boolean; pooler: boolean }): number[] | undefined {
  if (hidden && batch.headRows === undefined) return undefined;
  const rows = new Set([...(batch.headRows ?? []), ...(pooler ? batch.starts : [])]);
  return rows.size === batch.tokens ? undefined : [...rows].sort((a, b) => a - b);
}

/**
 * Packs inputs one after another.
 *
 * @param headPositions of each input, the positions that the head computes; default: all
 */
export function packBatch(inputs: readonly CheckedInputs[], headPositions?: readonly (readonly number[])[]): Batch {
  let [sequences, tokens, longest, headTokens] = [0, 0, 0, 0];
  const rectangles = inputs.map((input, i): Rectangle => {
    const { leading, batch, seq } = input;
    const shape = headPositions === undefined ? [...leading, seq] : [(headPositions[i] as readonly number[]).length];
    const count = headPositions === undefined ? batch * seq : (shape[0] as number);
    longest = Math.max(longest, seq);
    return {
      ...input,
      tokens: { from: tokens, to: (tokens += batch * seq), shape: [batch, seq] },
      sequences: { from: sequences, to: (sequences += batch), shape: leading },
      headTokens: { from: headTokens, to: (headTokens += count), shape },
    };
  });
  const starts = rectangles.flatMap((rectangle) =>
    Array.from({ length: rectangle.batch }, (_, row) => rectangle.tokens.from + row * rectangle.seq),
  );
  const headRows = headPositions?.flatMap((of, i) =>
    of.map((position) => (rectangles[i] as Rectangle).tokens.from + position),
  );
  return { rectangles, sequences, tokens, starts, longest, headTokens, headRows };
}

/** Where rows lie among some of all rows, both in their order; `among` undefined: all. */
export function rowsAmong(among: readonly number[] | undefined, rows: readonly number[]): readonly number[] {
  if (among === undefined) return rows;
  const indices = new Map(among.map((row, index) => [row, index]));
  return rows.map((row) => indices.get(row) as number);
}

/** A copy of some rows as a tensor: (…shape, cols). */
export function readRows(engine: Engine, matrix: Matrix, { from, to, shape }: Rows): Tensor<Float32Array> {
  return new Tensor(engine.read(rowsOf(matrix, from, to)), [...shape, matrix.cols]);
}
