/**
 * The zero-shot-classification pipeline: which of any labels fits a text, by a model that was trained for natural language
 * inference (NLI).
 *
 * Source: Hugging Face's pipeline of this name.
 */
import { AlbertError, mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import type { OpenedSource } from '../ground/source.js';
import type { AlbertConfig } from '../model/config.js';
import { AlbertForSequenceClassification, type SequenceClassificationOutput } from '../model/models.js';
import { checkTextList } from './checks.js';
import type { Job, Jobs } from './jobs.js';
import { makePipeline, openModel, type Pipeline, type PipelineOptions } from './pipeline.js';
import { largest, meanOfLogits, softmax } from './scores.js';
import { sequencesOf, WINDOW_OPTIONS, type WindowOptions } from './texts.js';

/** A text's labels, best first. */
export interface ZeroShotClassification {
  readonly sequence: string;
  readonly labels: readonly string[];
  /** Each label's probability; without `multi_label` they sum to 1. */
  readonly scores: readonly number[];
}

export interface ZeroShotClassificationOptions extends WindowOptions {
  /** The labels, or one string with commas between them. */
  readonly candidate_labels: string | readonly string[];
  /** The sentence for each label, with `{}` in the label's position. Default: `This example is {}.` */
  readonly hypothesis_template?: string;
  /** Whether several labels may fit: each is scored alone, entailment against contradiction. Default: false. */
  readonly multi_label?: boolean;
}

const OPTIONS: OptionNames<ZeroShotClassificationOptions> = {
  ...WINDOW_OPTIONS,
  candidate_labels: true,
  hypothesis_template: true,
  multi_label: true,
};

/** How well each of the candidate labels fits a text; `candidate_labels` is required. */
export type ZeroShotClassificationPipeline = Pipeline<ZeroShotClassification, ZeroShotClassificationOptions>;

export async function zeroShotClassification(
  source: OpenedSource,
  options: PipelineOptions,
): Promise<ZeroShotClassificationPipeline> {
  const { model, tokenizer, texts } = await openModel(AlbertForSequenceClassification, source, {
    strict: true,
    ...options,
  });
  let ids: { readonly entailment: number; readonly contradiction: number };
  try {
    ids = labelIds(model.config);
  } catch (error) {
    await model.dispose();
    throw error;
  }
  const encode = (
    text: string,
    given: ZeroShotClassificationOptions,
  ): Jobs<SequenceClassificationOutput, Float32Array, ZeroShotClassification> => {
    const { hypothesis_template = 'This example is {}.', multi_label = false } = given;
    if (typeof text !== 'string') throw mismatch('ERR_INPUT', 'text', 'a string', text);
    const labels = candidates(given.candidate_labels);
    if (typeof hypothesis_template !== 'string' || !hypothesis_template.includes('{}')) {
      throw mismatch('ERR_INPUT', 'hypothesis_template', 'a sentence with {} for the label', hypothesis_template);
    }
    if (typeof multi_label !== 'boolean') throw mismatch('ERR_INPUT', 'multi_label', 'true or false', multi_label);
    return {
      *jobs(): Iterable<Job<SequenceClassificationOutput, Float32Array>> {
        for (const label of labels) {
          // A function: in a string, `$&` and its like would be replaced.
          const text_pair = hypothesis_template.replaceAll('{}', () => label);
          const windows = texts.windows(text, given, { text_pair, cut: 'only_first' });
          yield {
            sequences: sequencesOf(windows),
            decode: (outputs) => meanOfLogits(outputs.map(({ logits }) => logits.data)),
          };
        }
      },
      combine(logits) {
        const { entailment, contradiction } = ids;
        const of = (each: Float32Array, id: number) => each[id] as number;
        const scores =
          multi_label || labels.length === 1
            ? logits.map((each) => softmax(Float32Array.of(of(each, contradiction), of(each, entailment)))[1] as number)
            : softmax(Float32Array.from(logits, (each) => of(each, entailment)));
        const order = largest(scores, labels.length);
        return {
          sequence: text,
          labels: order.map((i) => labels[i] as string),
          scores: order.map((i) => scores[i] as number),
        };
      },
    };
  };
  return makePipeline(model, tokenizer, OPTIONS, encode);
}

/** @throws ERR_INPUT without a label */
function candidates(given: string | readonly string[]): readonly string[] {
  const labels =
    typeof given === 'string'
      ? given
          .split(',')
          .map((label) => label.trim())
          .filter((label) => label !== '')
      : given;
  checkTextList('candidate_labels', labels);
  return labels;
}

/**
 * The ids of entailment and contradiction, by the labels' names. If no name begins with contradiction, it is the first label, or the
 * last if the first is entailment.
 *
 * @throws ERR_CONFIG for a model that has no such label
 */
function labelIds({ id2label, num_labels }: AlbertConfig) {
  const names = Array.from({ length: num_labels }, (_, id) => (id2label[id] ?? '').toLowerCase());
  const entailment = names.findIndex((name) => name.startsWith('entail'));
  if (entailment < 0 || num_labels < 2) {
    throw new AlbertError(
      'ERR_CONFIG',
      `"id2label" expected two labels or more, one of them "entailment", as models for NLI have, got ${names.slice(0, 8).join(', ')}`,
    );
  }
  const named = names.findIndex((name) => name.startsWith('contra'));
  return { entailment, contradiction: named >= 0 ? named : entailment === 0 ? num_labels - 1 : 0 };
}
