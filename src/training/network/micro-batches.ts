/** Cuts a batch into micro-batches: whole examples, in their order, with their labels. */
import type { CheckedInputs } from '../../model/inputs.js';
import type { CheckedLabels } from './request.js';

/** One text, the texts of one question's choices, or the two texts of a pair. */
export interface Example {
  readonly inputs: readonly CheckedInputs[];
  readonly tokens: number;
  readonly sequences: number;
}

/** Some neighbouring examples of a batch. */
export interface MicroBatch {
  readonly inputs: readonly CheckedInputs[];
  readonly labels: CheckedLabels;
  readonly tokens: number;
  /** The index of its first token and sequence among all of the batch, and its number of sequences. */
  readonly firstToken: number;
  readonly firstSequence: number;
  readonly sequences: number;
}

/** The examples of a batch. */
export function examplesOf(inputs: readonly CheckedInputs[], labels: CheckedLabels): Example[] {
  const single = inputs.flatMap(examplesOfRectangle);
  if (labels.loss !== 'similarity') return single.map((input) => exampleOf([input]));
  return Array.from({ length: single.length / 2 }, (_, i) => exampleOf(single.slice(2 * i, 2 * i + 2)));
}

function exampleOf(inputs: readonly CheckedInputs[]): Example {
  const sum = (of: (input: CheckedInputs) => number) => inputs.reduce((total, input) => total + of(input), 0);
  return { inputs, tokens: sum(({ batch, seq }) => batch * seq), sequences: sum(({ batch }) => batch) };
}

/** A rectangle's examples, as views of its arrays. */
function examplesOfRectangle({ leading, batch, seq, ids, mask, types, positions }: CheckedInputs): CheckedInputs[] {
  const [examples = 1, ...choices] = leading;
  const sequences = batch / examples;
  return Array.from({ length: examples }, (_, i) => {
    const of = (values: Int32Array) => values.subarray(i * sequences * seq, (i + 1) * sequences * seq);
    return {
      leading: [1, ...choices],
      batch: sequences,
      seq,
      ids: of(ids),
      mask: of(mask),
      types: of(types),
      positions: of(positions),
    };
  });
}

/** At most `parts` micro-batches of nearly equal numbers of tokens. */
export function cut(examples: readonly Example[], labels: CheckedLabels, parts: number): MicroBatch[] {
  const total = examples.reduce((sum, { tokens }) => sum + tokens, 0);
  const batches: MicroBatch[] = [];
  let [from, firstToken, firstSequence, tokens, sequences] = [0, 0, 0, 0, 0];
  examples.forEach((example, i) => {
    tokens += example.tokens;
    sequences += example.sequences;
    if (i + 1 < examples.length && firstToken + tokens < (total / parts) * (batches.length + 1)) return;
    const of = examples.slice(from, i + 1);
    batches.push({
      inputs: of.flatMap(({ inputs }) => inputs),
      labels: labelsOfPart(labels, [from, i + 1, examples.length], [firstToken, firstToken + tokens]),
      tokens,
      firstToken,
      firstSequence,
      sequences,
    });
    [from, firstToken, firstSequence, tokens, sequences] = [
      i + 1,
      firstToken + tokens,
      firstSequence + sequences,
      0,
      0,
    ];
  });
  return batches;
}

/** The labels of examples `from` to `to` of `all`, which are tokens `first` to `end`. */
function labelsOfPart(
  labels: CheckedLabels,
  [from, to, all]: readonly [number, number, number],
  tokens: readonly [first: number, end: number],
): CheckedLabels {
  switch (labels.loss) {
    case 'classes':
      return { ...labels, classes: labels.classes.subarray(from, to) };
    case 'tokens':
      return { ...labels, classes: labels.classes.subarray(...tokens) };
    case 'spans':
      return { ...labels, starts: labels.starts.subarray(from, to), ends: labels.ends.subarray(from, to) };
    case 'pretraining':
      return { ...labels, classes: labels.classes.subarray(...tokens), orders: labels.orders.subarray(from, to) };
    case 'similarity':
      return { ...labels, cosines: labels.cosines?.subarray(from, to) };
    default: {
      const width = labels.values.length / all;
      return { ...labels, values: labels.values.subarray(from * width, to * width) };
    }
  }
}
