/** Checks what a caller passes to `forward`, down to the last id, before any kernel runs. */
import { mismatch, within } from '../ground/errors.js';
import { ownArray } from '../ground/realm.js';
import { type NestedNumbers, Tensor } from '../ground/tensor.js';
import type { AlbertConfig } from './config.js';

/** Integers with a shape, without nesting. */
export interface ShapedIntegers {
  readonly data: Int32Array | BigInt64Array;
  readonly shape: readonly number[];
}

/** Nested arrays, a typed array (one sequence), or integers with a shape. */
export type IntegerInput = NestedNumbers[] | Int32Array | BigInt64Array | ShapedIntegers | Tensor;

/** FlaxAlbert's inputs, each (batch, seq), or (batch, choices, seq) for multiple choice; (seq) is a batch of one. */
export interface AlbertInputs {
  readonly input_ids: IntegerInput;
  /** 1 for tokens to attend to, 0 for padding; default: all 1. */
  readonly attention_mask?: IntegerInput;
  /** 0 for the first text, 1 for the second; default: all 0. */
  readonly token_type_ids?: IntegerInput;
  /** Default: 0, 1, 2, … */
  readonly position_ids?: IntegerInput;
}

/** Checked inputs: four arrays of batch · seq integers, in rows of seq. */
export interface CheckedInputs {
  /** The shape of `input_ids` without its last axis: (batch), or (batch, choices). */
  readonly leading: readonly number[];
  /** Sequences in all: the product of `leading`. */
  readonly batch: number;
  readonly seq: number;
  readonly ids: Int32Array;
  readonly mask: Int32Array;
  readonly types: Int32Array;
  readonly positions: Int32Array;
}

/**
 * Copies the inputs into integers and checks every one: an id past its table would silently read the tensor behind it.
 *
 * @param rank 2, or 3 for multiple choice
 * @throws ERR_INPUT with the index of the first fault, ERR_TOO_LONG for more tokens than positions
 */
export function checkInputs(inputs: AlbertInputs, config: AlbertConfig, rank: 2 | 3): CheckedInputs {
  if (typeof inputs !== 'object' || inputs === null)
    throw mismatch('ERR_INPUT', 'inputs', 'an object with input_ids', inputs);
  const { values: ids, shape } = integers('input_ids', inputs.input_ids, rank, config.vocab_size, 'ids');
  const leading = shape.slice(0, -1);
  const seq = shape[rank - 1] as number;
  if (ids.length === 0)
    throw mismatch('ERR_INPUT', 'input_ids', 'at least one sequence of at least one id', [...shape]);
  if (seq > config.max_position_embeddings) {
    const limit = `at most ${config.max_position_embeddings} ids in a sequence`;
    throw mismatch('ERR_TOO_LONG', 'input_ids', limit, seq);
  }
  const like = (title: string, value: IntegerInput | undefined, limit: number, what: string) => {
    if (value === undefined) return undefined;
    const checked = integers(title, value, rank, limit, what);
    if (checked.shape.join() !== shape.join()) {
      throw mismatch('ERR_INPUT', title, `the shape of input_ids, [${shape.join(', ')}]`, checked.shape);
    }
    return checked.values;
  };
  return {
    leading,
    batch: ids.length / seq,
    seq,
    ids,
    mask: like('attention_mask', inputs.attention_mask, 2, 'values') ?? new Int32Array(ids.length).fill(1),
    types: like('token_type_ids', inputs.token_type_ids, config.type_vocab_size, 'types') ?? new Int32Array(ids.length),
    positions:
      like('position_ids', inputs.position_ids, config.max_position_embeddings, 'positions') ??
      Int32Array.from(ids, (_, i) => i % seq),
  };
}

/** `checkInputs` for each of several, naming the one at fault: `inputs[3]: …`. */
export function checkEach(inputs: readonly AlbertInputs[], config: AlbertConfig, rank: 2 | 3): CheckedInputs[] {
  if (!Array.isArray(inputs)) throw mismatch('ERR_INPUT', 'inputs', 'an array', inputs);
  return Array.from(inputs, (one, i) => within(`inputs[${i}]`, () => checkInputs(one, config, rank)));
}

/**
 * For each input, which is one sequence, a copy of some of its positions.
 *
 * @throws ERR_INPUT unless they are increasing integers below the sequence's length, at least one
 */
export function checkPositions(
  positions: readonly (readonly number[])[],
  inputs: readonly CheckedInputs[],
): number[][] {
  if (!Array.isArray(positions) || positions.length !== inputs.length) {
    throw mismatch('ERR_INPUT', 'positions', `an array of ${inputs.length} arrays`, positions);
  }
  return inputs.map(({ batch, seq }, i) =>
    within(`inputs[${i}]`, () => {
      const of: unknown = positions[i];
      if (batch !== 1) throw mismatch('ERR_INPUT', 'input_ids', 'one sequence', batch);
      if (!Array.isArray(of) || of.length === 0) throw mismatch('ERR_INPUT', 'positions', 'at least one', of);
      of.forEach((position, at) => {
        const least = at === 0 ? 0 : of[at - 1] + 1;
        if (!Number.isInteger(position) || position < least || position >= seq) {
          throw mismatch('ERR_INPUT', 'positions', `increasing integers below ${seq}`, position, `[${at}]`);
        }
      });
      return [...of];
    }),
  );
}

/** Any accepted form as integers from 0 to below `limit`, and their shape. */
function integers(title: string, input: IntegerInput, rank: 2 | 3, limit: number, what: string) {
  const { flat, shape } = flatten(title, input, rank);
  // A single sequence is a batch of one, a single question a batch of one.
  const full = shape.length === rank - 1 ? [1, ...shape] : shape;
  if (full.length !== rank) {
    throw mismatch('ERR_INPUT', title, shapeName(rank), shape);
  }
  const values = new Int32Array(flat.length);
  for (let i = 0; i < flat.length; i++) {
    const value = flat[i] as number | bigint;
    const number = Number(value);
    if (!Number.isInteger(number) || number < 0 || number >= limit) {
      const expected = Number.isInteger(number) ? `${what} from 0 to ${limit - 1}` : `integer ${what}`;
      throw mismatch('ERR_INPUT', title, expected, value, `[${indices(i, shape).join(', ')}]`);
    }
    values[i] = number;
  }
  return { values, shape: full };
}

function shapeName(rank: 2 | 3): string {
  return `the shape ${rank === 2 ? '(batch, seq)' : '(batch, choices, seq)'}`;
}

function flatten(title: string, input: IntegerInput, rank: 2 | 3): { flat: ArrayLike<unknown>; shape: number[] } {
  const sequence = ownArray(input, 'Int32Array', 'BigInt64Array');
  if (sequence !== undefined) return { flat: sequence, shape: [sequence.length] };
  if (Array.isArray(input)) return flattenNested(title, input, rank);
  if (typeof input === 'object' && input !== null && 'data' in input && Array.isArray(input.shape)) {
    const data = ownArray(input.data, 'Int32Array', 'BigInt64Array');
    if (data !== undefined) {
      // The tensor's own check: a shape that does not hold the data must not get further.
      const { shape } = new Tensor(data, input.shape);
      return { flat: data, shape: [...shape] };
    }
  }
  throw mismatch('ERR_INPUT', title, 'nested arrays, an Int32Array, a BigInt64Array or a tensor of integers', input);
}

/** Row-major values of nested arrays. @throws ERR_INPUT when rows differ in length */
function flattenNested(title: string, input: unknown[], rank: 2 | 3): { flat: unknown[]; shape: number[] } {
  const shape: number[] = [];
  for (let level: unknown = input; Array.isArray(level); level = level[0]) {
    // Deeper nesting has no end to look for: an array may hold itself.
    if (shape.length === rank) throw mismatch('ERR_INPUT', title, shapeName(rank), 'arrays nested deeper');
    shape.push(level.length);
  }
  const flat: unknown[] = [];
  const visit = (value: unknown, axis: number, at: number[]): void => {
    const isArray = Array.isArray(value);
    if (axis === shape.length) {
      if (isArray) throw mismatch('ERR_INPUT', title, 'a number', 'an array', `[${at.join(', ')}]`);
      if (typeof value !== 'number' && typeof value !== 'bigint') {
        throw mismatch('ERR_INPUT', title, 'a number', value, `[${at.join(', ')}]`);
      }
      flat.push(value);
      return;
    }
    if (!isArray || value.length !== shape[axis]) {
      const got = isArray ? `${value.length}` : value;
      throw mismatch('ERR_INPUT', title, `rows of one length, ${shape[axis]}`, got, `[${at.join(', ')}]`);
    }
    for (let i = 0; i < value.length; i++) visit(value[i], axis + 1, [...at, i]);
  };
  visit(input, 0, []);
  return { flat, shape };
}

/** The index of the `flat`-th element of a shape. */
function indices(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    index.unshift(flat % size);
    flat = Math.floor(flat / size);
  }
  return index;
}
