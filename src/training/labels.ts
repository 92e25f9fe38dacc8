/** Checks the labels of a batch, in the words and with the meaning of transformers. */
import { reading } from '../ground/checks.js';
import { mismatch } from '../ground/errors.js';
import type { Architecture } from '../model/architecture.js';
import type { AlbertConfig } from '../model/config.js';
import type { CheckedInputs } from '../model/inputs.js';
import { type LabelValues, numbersOf, rowsOf } from './label-values.js';
import { type CheckedLabels, IGNORED } from './network/request.js';

/**
 * What the outputs should be; -100 stands for a class that does not count.
 *
 * - sequence classification: `labels`, a class per text. If `problem_type` is `regression` (or absent with one label): a number per text, or
 *   num_labels of them; if it is `multi_label_classification` (or absent, and the labels are rows): num_labels numbers from 0 to 1 per text
 * - multiple choice: `labels`, the index of the right choice of each question
 * - token classification, masked LM: `labels`, a class or a word per token
 * - question answering: `start_positions`, `end_positions`, a token of each text; beyond the text's end they do not count
 * - pre-training: `labels` as for masked LM, and `sentence_order_label`, 0 in order or 1 swapped per text
 * - AlbertModel: `labels`, from -1 to 1, the cosine that each pair should have; without them, the other pairs' second texts are negatives
 */
export interface Labels {
  readonly labels?: LabelValues;
  readonly start_positions?: LabelValues;
  readonly end_positions?: LabelValues;
  readonly sentence_order_label?: LabelValues;
}

const KEYS: Readonly<Record<Architecture, readonly (keyof Labels)[]>> = {
  AlbertModel: ['labels'],
  AlbertForPreTraining: ['labels', 'sentence_order_label'],
  AlbertForMaskedLM: ['labels'],
  AlbertForSequenceClassification: ['labels'],
  AlbertForMultipleChoice: ['labels'],
  AlbertForTokenClassification: ['labels'],
  AlbertForQuestionAnswering: ['start_positions', 'end_positions'],
};

/**
 * Copies the labels and checks every one.
 *
 * @throws ERR_INPUT with the index of the first fault, for labels of another task, and where none counts
 */
export function checkLabels(
  architecture: Architecture,
  config: AlbertConfig,
  inputs: readonly CheckedInputs[],
  labels: Labels,
): CheckedLabels {
  return reading('labels', () => {
    const keys = KEYS[architecture];
    if (typeof labels !== 'object' || labels === null) {
      throw mismatch('ERR_INPUT', 'labels', `an object with ${keys.join(', ')}`, labels);
    }
    const other = Object.keys(labels).find((key) => !keys.includes(key as keyof Labels));
    if (other !== undefined) throw mismatch('ERR_INPUT', 'labels', `no other keys than ${keys.join(', ')}`, other);
    return check(architecture, config, inputs, labels);
  });
}

function check(
  architecture: Architecture,
  config: AlbertConfig,
  inputs: readonly CheckedInputs[],
  labels: Labels,
): CheckedLabels {
  const { num_labels, vocab_size } = config;
  const examples = inputs.reduce((sum, { leading }) => sum + (leading[0] as number), 0);
  const perExample = (title: keyof Labels) => numbersOf(title, labels[title], examples);
  const perToken = (most: number) => {
    const lengths = inputs.flatMap(({ batch, seq }) => Array<number>(batch).fill(seq));
    return classes('labels', rowsOf('labels', labels.labels, lengths), () => most);
  };
  switch (architecture) {
    case 'AlbertForSequenceClassification':
      return checkSequenceLabels(config, labels.labels, examples);
    case 'AlbertForMultipleChoice': {
      const choices = inputs.flatMap(({ leading: [of = 0, choices = 0] }) => Array<number>(of).fill(choices));
      const of = perExample('labels');
      return { loss: 'classes', classes: classes('labels', of, (i) => choices[i] as number) };
    }
    case 'AlbertForTokenClassification':
      return { loss: 'tokens', classes: perToken(num_labels) };
    case 'AlbertForMaskedLM':
      return { loss: 'tokens', classes: perToken(vocab_size) };
    case 'AlbertForPreTraining':
      return {
        loss: 'pretraining',
        classes: perToken(vocab_size),
        orders: classes('sentence_order_label', perExample('sentence_order_label'), () => 2),
      };
    case 'AlbertForQuestionAnswering': {
      const lengths = inputs.flatMap(({ batch, seq }) => Array<number>(batch).fill(seq));
      const positions = (title: keyof Labels) => spans(title, perExample(title), lengths);
      return { loss: 'spans', starts: positions('start_positions'), ends: positions('end_positions') };
    }
    case 'AlbertModel': {
      if (labels.labels === undefined) return { loss: 'similarity', cosines: undefined };
      const cosines = numbersOf('labels', labels.labels, examples / 2);
      return { loss: 'similarity', cosines: numbersIn(cosines, -1, 1) };
    }
  }
}

/** As transformers does where `problem_type` is absent: one label is a number, integers are classes, rows are several labels. */
function checkSequenceLabels(
  { num_labels, problem_type }: AlbertConfig,
  labels: LabelValues | undefined,
  examples: number,
): CheckedLabels {
  const nested = Array.isArray(labels) ? typeof labels[0] === 'object' : hasTwoAxes(labels);
  const guessed =
    num_labels === 1 ? 'regression' : nested ? 'multi_label_classification' : 'single_label_classification';
  const problem = problem_type ?? guessed;
  if (problem === 'single_label_classification') {
    return { loss: 'classes', classes: classes('labels', numbersOf('labels', labels, examples), () => num_labels) };
  }
  const widths = Array<number>(examples).fill(num_labels);
  const values = num_labels === 1 && !nested ? numbersOf('labels', labels, examples) : rowsOf('labels', labels, widths);
  return problem === 'regression'
    ? { loss: 'regression', values: numbersIn(values, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY) }
    : { loss: 'multi_label', values: numbersIn(values, 0, 1) };
}

function hasTwoAxes(labels: LabelValues | undefined): boolean {
  const { shape } = Object(labels) as { shape?: unknown };
  return Array.isArray(shape) && shape.length === 2;
}

/** Numbers, and where each is: `[3]` or `[0, 5]`. */
interface Located {
  readonly values: ArrayLike<unknown>;
  where(i: number): string;
}

/** Integers from 0 to below a limit, or IGNORED. */
function classes(title: string, { values, where }: Located, limit: (i: number) => number): Int32Array {
  const checked = Int32Array.from({ length: values.length }, (_, i) => {
    const value = integer(title, values[i], () => where(i));
    const most = limit(i);
    if (value !== IGNORED && (value < 0 || value >= most)) {
      throw mismatch('ERR_INPUT', title, `classes from 0 to ${most - 1}, or ${IGNORED}`, value, where(i));
    }
    return value;
  });
  return counting(title, checked);
}

/** Positions; those beyond a text's end become IGNORED, as in transformers. */
function spans(title: string, { values, where }: Located, lengths: readonly number[]): Int32Array {
  const checked = Int32Array.from({ length: values.length }, (_, i) => {
    const value = integer(title, values[i], () => where(i));
    if (value < 0 && value !== IGNORED) {
      throw mismatch('ERR_INPUT', title, `positions from 0, or ${IGNORED}`, value, where(i));
    }
    return value < (lengths[i] as number) ? value : IGNORED;
  });
  return counting(title, checked);
}

function counting(title: string, checked: Int32Array): Int32Array {
  // The mean of nothing would be NaN.
  if (checked.every((value) => value < 0)) throw mismatch('ERR_INPUT', title, 'at least one that counts', 'none');
  return checked;
}

function integer(title: string, value: unknown, where: () => string): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw mismatch('ERR_INPUT', title, 'integers', value, where());
  }
  return number;
}

/** Finite numbers in a range. */
function numbersIn({ values, where }: Located, least: number, most: number): Float64Array {
  return Float64Array.from({ length: values.length }, (_, i) => {
    const value = values[i];
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(number) || number < least || number > most) {
      const range = Number.isFinite(least) ? ` from ${least} to ${most}` : '';
      throw mismatch('ERR_INPUT', 'labels', `finite numbers${range}`, value, where(i));
    }
    return number;
  });
}
