/** A run: the sequences of one or more inputs, packed one after another with no token between them. */
import type { Engine } from '../engine/engine.js';
import { type Matrix, rowsOf } from '../engine/memory.js';
import { Tensor } from '../tensor.js';
import type { CheckedInputs } from './inputs.js';

/** Rows `from` to `to` of a matrix, and the shape that they have for a caller. */
export interface Rows {
  readonly from: number;
  readonly to: number;
  readonly shape: readonly number[];
}

/** One of a run's inputs: sequences of one length, and where they lie. */
export interface Rectangle extends CheckedInputs {
  /** Its tokens: (batch, seq). */
  readonly tokens: Rows;
  /** Its sequences: (batch), or (batch, choices). */
  readonly sequences: Rows;
  /** Its tokens among those that the head computes: (…leading, seq), or (kept). */
  readonly kept: Rows;
}

export interface Run {
  readonly rectangles: readonly Rectangle[];
  readonly sequences: number;
  readonly tokens: number;
  /** The length of its longest sequence. */
  readonly longest: number;
  /** Tokens that the head computes. */
  readonly kept: number;
  /** Which they are, where not all. */
  readonly keep: readonly number[] | undefined;
}

/**
 * Places inputs one after another.
 *
 * @param keep of each input, the tokens that the head computes; all of them unless given
 */
export function pack(inputs: readonly CheckedInputs[], keep?: readonly (readonly number[])[]): Run {
  let [sequences, tokens, longest, kept] = [0, 0, 0, 0];
  const rectangles = inputs.map((input, i): Rectangle => {
    const { leading, batch, seq } = input;
    const keptShape = keep === undefined ? [...leading, seq] : [(keep[i] as readonly number[]).length];
    const keptRows = keep === undefined ? batch * seq : (keptShape[0] as number);
    longest = Math.max(longest, seq);
    return {
      ...input,
      tokens: { from: tokens, to: (tokens += batch * seq), shape: [batch, seq] },
      sequences: { from: sequences, to: (sequences += batch), shape: leading },
      kept: { from: kept, to: (kept += keptRows), shape: keptShape },
    };
  });
  const places = keep?.flatMap((of, i) => of.map((token) => (rectangles[i] as Rectangle).tokens.from + token));
  return { rectangles, sequences, tokens, longest, kept, keep: places };
}

/** A copy of some rows as a tensor: (…shape, cols). */
export function readRows(engine: Engine, matrix: Matrix, { from, to, shape }: Rows): Tensor<Float32Array> {
  return new Tensor(engine.read(rowsOf(matrix, from, to)), [...shape, matrix.cols]);
}
