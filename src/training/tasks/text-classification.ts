/** Texts and pairs of texts: one class, several classes, or a value. */
import { mismatch } from '../../ground/errors.js';
import { AlbertForSequenceClassification } from '../../model/models.js';
import type { Label } from '../data/fields.js';
import { isFloat, type ProblemType } from '../data/labels.js';
import { accuracy, macroF1, multiLabelScores } from '../metrics/classification.js';
import { meanSquaredError, pearson, spearman } from '../metrics/correlation.js';
import {
  argmax,
  crossEntropy,
  encodeText,
  type Feature,
  labelConfig,
  type TaskContext,
  type TokenInputs,
  type TrainableTask,
} from './task.js';

interface TextFeature extends Feature {
  readonly inputs: TokenInputs;
  /** A class, a value, or for each class whether it applies. */
  readonly label: number | readonly number[];
}

const METRICS: Readonly<Record<ProblemType, readonly string[]>> = {
  regression: ['pearson', 'spearmanr', 'mse'],
  multi_label_classification: ['accuracy', 'f1', 'f1_micro'],
  single_label_classification: ['accuracy', 'f1'],
};

/** As transformers: a model of one label is a regression. */
export function problemTypeOf({ config }: Pick<TaskContext, 'config'>): ProblemType {
  const { problem_type, num_labels } = config;
  return (
    (problem_type as ProblemType | null | undefined) ??
    (num_labels === 1 ? 'regression' : 'single_label_classification')
  );
}

export const textClassification: TrainableTask<'text-classification', TextFeature> = {
  Class: AlbertForSequenceClassification,

  config: ({ labels, problem_type }) => ({ ...labelConfig(labels ?? ['LABEL_0']), problem_type }),

  features({ text, text_pair, label }, example, context) {
    const inputs = encodeText(context, text, text_pair);
    return [{ example, inputs, tokens: inputs.input_ids.length, label: labelOf(label, context) }];
  },

  batch: (features) => ({
    inputs: features.map(({ inputs }) => inputs),
    labels: { labels: features.map(({ label }) => label) },
  }),

  async evaluate(model, features, context, signal) {
    const outputs = await (model as AlbertForSequenceClassification).forwardEach(
      features.map(({ inputs }) => inputs),
      { signal },
    );
    const predictions = outputs.map(({ logits }) => logits.data);
    const problem = problemTypeOf(context);
    const losses = predictions.map((logits, i) => lossOf(logits, (features[i] as TextFeature).label, problem));
    const perExample = problem === 'single_label_classification' ? 1 : context.config.num_labels;
    return { predictions, loss: losses.reduce((sum, loss) => sum + loss, 0), counted: features.length * perExample };
  },

  metrics: (_dataset, context) => METRICS[problemTypeOf(context)],

  summarize(_dataset, features, outcomes, context) {
    const predictions = outcomes as Float32Array[];
    const label_ids = features.map(({ label }) => label);
    const problem = problemTypeOf(context);
    if (problem === 'regression') {
      const values = predictions.map((logits) => logits[0] as number);
      const wanted = label_ids as number[];
      const metrics = {
        pearson: pearson(values, wanted),
        spearmanr: spearman(values, wanted),
        mse: meanSquaredError(values, wanted),
      };
      return { predictions, label_ids, metrics };
    }
    if (problem === 'multi_label_classification') {
      const applied = predictions.map((logits) => Array.from(logits, (logit) => Number(logit > 0)));
      return { predictions, label_ids, metrics: multiLabelScores(applied, label_ids as number[][]) };
    }
    const classes = predictions.map(argmax);
    return {
      predictions,
      label_ids,
      metrics: { accuracy: accuracy(classes, label_ids), f1: macroF1(classes, label_ids) },
    };
  },
};

function labelOf(label: Label | readonly Label[], context: TaskContext): number | readonly number[] {
  const { labels } = context;
  const problem = problemTypeOf(context);
  if (problem === 'multi_label_classification') {
    const applied = new Array<number>(labels.names.length).fill(0);
    for (const one of [label].flat()) applied[labels.of(one)] = 1;
    return applied;
  }
  if (Array.isArray(label)) throw mismatch('ERR_INPUT', 'label', `one label, as ${problem} takes`, label);
  if (problem === 'single_label_classification') return labels.of(label as Label);
  if (!isFloat(label as Label))
    throw mismatch('ERR_INPUT', 'label', 'a number within float32, as regression takes', label);
  return Number(label);
}

/** The sum of an example's losses. */
function lossOf(logits: Float32Array, label: number | readonly number[], problem: ProblemType): number {
  if (problem === 'single_label_classification') return crossEntropy(logits, label as number);
  if (problem === 'regression') return ((logits[0] as number) - (label as number)) ** 2;
  return logits.reduce((sum, logit, id) => {
    // log(1 + exp(-|x|)) + max(x, 0) - x · y: what does not overflow.
    const softplus = Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(logit, 0);
    return sum + softplus - logit * ((label as readonly number[])[id] as number);
  }, 0);
}
