/** Shares the inputs of a call among several models, and puts their outputs back in order. */
import { Tensor } from '../../../ground/tensor.js';
import type { CheckedInputs } from '../../inputs.js';
import type { Fields } from '../../network/forward.js';
import type { ForwardCall } from '../runner.js';

export interface Shares {
  /** At most as many as there are models; none is empty. */
  readonly calls: readonly ForwardCall[];
  /** The outputs of the whole call, from those of its parts. */
  join(outputs: readonly Fields[][]): Fields[];
}

/** Shares inputs whole, longest first, each to the share with the fewest tokens; a single input is cut along its batch. */
export function shareOut(call: ForwardCall, count: number): Shares {
  const { inputs, headPositions, options } = call;
  const [only] = inputs;
  // Dropout drops an element by its index in the batch.
  if (only === undefined || options.train) return { calls: [call], join: ([fields]) => fields as Fields[] };
  if (inputs.length === 1) {
    const calls = cut(only, count).map((part) => ({
      inputs: [part],
      options,
      ...(headPositions && { headPositions }),
    }));
    return { calls, join: (outputs) => [joined(outputs.flat())] };
  }
  const shares = Array.from({ length: Math.min(count, inputs.length) }, () => ({ tokens: 0, indices: [] as number[] }));
  const longestFirst = inputs.map((_, i) => i).sort((a, b) => tokensOf(inputs[b]) - tokensOf(inputs[a]) || a - b);
  for (const i of longestFirst) {
    const least = shares.reduce((a, b) => (b.tokens < a.tokens ? b : a));
    least.indices.push(i);
    least.tokens += tokensOf(inputs[i]);
  }
  const pick = <T>(of: readonly T[], indices: readonly number[]) => indices.map((i) => of[i] as T);
  return {
    calls: shares.map(({ indices }) => ({
      inputs: pick(inputs, indices),
      options,
      ...(headPositions && { headPositions: pick(headPositions, indices) }),
    })),
    join(outputs) {
      const all: Fields[] = [];
      shares.forEach(({ indices }, share) => {
        indices.forEach((i, index) => {
          all[i] = outputs[share]?.[index] as Fields;
        });
      });
      return all;
    },
  };
}

function tokensOf(input: CheckedInputs | undefined): number {
  return input?.ids.length ?? 0;
}

/** An input's batch in at most `count` parts, nearly equal. */
function cut(input: CheckedInputs, count: number): CheckedInputs[] {
  const { leading, batch, seq } = input;
  const [examples = 1, ...rest] = leading;
  const parts = Math.min(count, examples);
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [part, part + 1].map((p) => Math.floor((p * examples) / parts)) as [number, number];
    const sequences = batch / examples;
    const rows = (values: Int32Array) => values.slice(from * sequences * seq, to * sequences * seq);
    return {
      leading: [to - from, ...rest],
      batch: (to - from) * sequences,
      seq,
      ids: rows(input.ids),
      mask: rows(input.mask),
      types: rows(input.types),
      positions: rows(input.positions),
    };
  });
}

/** Fields of parts of a batch, one below the other: the batch is the first axis of every field. */
function joined(parts: readonly Fields[]): Fields {
  const [first] = parts as [Fields];
  if (parts.length === 1) return first;
  return Object.fromEntries(
    Object.entries(first).map(([name, value]) => {
      const of = parts.map((fields) => fields[name]);
      if (!Array.isArray(value)) return [name, stacked(of as Tensor<Float32Array>[])];
      return [
        name,
        value.map((_, i) =>
          stacked((of as (readonly Tensor<Float32Array>[])[]).map((list) => list[i] as Tensor<Float32Array>)),
        ),
      ];
    }),
  );
}

function stacked(tensors: readonly Tensor<Float32Array>[]): Tensor<Float32Array> {
  const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.data.length, 0));
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, at);
    at += tensor.data.length;
  }
  const [, ...rest] = (tensors[0] as Tensor).shape;
  return new Tensor(data, [tensors.reduce((sum, { shape }) => sum + (shape[0] as number), 0), ...rest]);
}
