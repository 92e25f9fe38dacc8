/** A model's predictions for a dataset, its loss and its metrics. */
import { yieldToEventLoop } from '#platform';
import { throwIfAborted } from '../../ground/abort.js';
import { reading } from '../../ground/checks.js';
import { AlbertError, mismatch, within } from '../../ground/errors.js';
import type { Dataset } from '../data/dataset.js';
import type { AnyModel, Feature, TaskContext, TrainableTask } from '../tasks/task.js';

/** Predictions, and what they should be: one of each per example. */
export interface EvalPrediction {
  /**
   * Text classification and multiple choice: logits. Token classification: tags. Question answering: the answer. Sentence similarity:
   * the cosine, or 1 where the pair's own second sentence is the nearest of its batch. Masked words: for each, 1 where it was found.
   */
  readonly predictions: readonly unknown[];
  /** Classes by their ids, values, tags, lists of answers, cosines; 1 where there is nothing else to say. */
  readonly label_ids: readonly unknown[];
}

/** Makes metrics of predictions, in place of the task's own. */
export type ComputeMetrics = (prediction: EvalPrediction) => Readonly<Record<string, number>>;

/** A dataset's examples as a model reads them. */
export interface Prepared {
  readonly dataset: Dataset;
  readonly features: readonly Feature[];
}

/** Examples that are encoded before others have a turn. */
const STRETCH = 256;

/** @throws ERR_INPUT with the place of an example that does not fit the model */
export async function prepare(
  dataset: Dataset,
  task: TrainableTask,
  context: TaskContext,
  signal: AbortSignal | undefined,
): Promise<Prepared> {
  const features: Feature[] = [];
  for (const [i, example] of dataset.examples.entries()) {
    if (i % STRETCH === STRETCH - 1) await yieldToEventLoop();
    throwIfAborted(signal);
    for (const feature of within(dataset.where(i), () => task.features(example, i, context, dataset)))
      features.push(feature);
  }
  if (features.length === 0) throw new AlbertError('ERR_INPUT', `${dataset.where(0)}: expected a text with a token`);
  return { dataset, features };
}

/** @throws ERR_INPUT unless an evaluation by the task's own metrics has one of this name, with or without `eval_` */
export function checkMetric(name: string, { dataset }: Prepared, task: TrainableTask, context: TaskContext): void {
  const names = ['loss', ...task.metrics(dataset, context)];
  if (names.includes(name.replace(/^eval_/, ''))) return;
  throw mismatch('ERR_INPUT', 'metric_for_best_model', names.join(', '), name);
}

export interface EvaluationOptions {
  readonly batch_size: number;
  /** What the names of metrics begin with. */
  readonly prefix: string;
  readonly compute_metrics: ComputeMetrics | undefined;
  readonly onProgress: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** @throws ERR_ABORTED between two batches; ERR_PARAMETER for a loss that is not finite; what `compute_metrics` throws */
export async function evaluate(
  model: AnyModel,
  task: TrainableTask,
  { dataset, features }: Prepared,
  context: TaskContext,
  { batch_size, prefix, compute_metrics, onProgress, signal }: EvaluationOptions,
): Promise<EvalPrediction & { metrics: Record<string, number> }> {
  const start = performance.now();
  const outcomes: unknown[] = [];
  let [loss, counted] = [0, 0];
  for (let from = 0; from < features.length; from += batch_size) {
    const batch = features.slice(from, from + batch_size);
    const outcome = await task.evaluate(model, batch, context, signal);
    for (const prediction of outcome.predictions) outcomes.push(prediction);
    if (!Number.isFinite(outcome.loss)) throw mismatch('ERR_PARAMETER', 'loss', 'a finite number', outcome.loss);
    loss += outcome.loss;
    counted += outcome.counted;
    onProgress?.({ done: outcomes.length, total: features.length });
  }
  const { predictions, label_ids, metrics: own } = task.summarize(dataset, features, outcomes, context);
  const metrics = compute_metrics === undefined ? own : checkMetrics(compute_metrics({ predictions, label_ids }));
  const runtime = (performance.now() - start) / 1000;
  const named = {
    loss: loss / Math.max(1, counted),
    ...metrics,
    runtime,
    samples_per_second: dataset.length / Math.max(1e-6, runtime),
  };
  const prefixed = Object.entries(named).map(([name, value]) => [
    name.startsWith(`${prefix}_`) ? name : `${prefix}_${name}`,
    value,
  ]);
  return { predictions, label_ids, metrics: Object.fromEntries(prefixed) };
}

function checkMetrics(metrics: unknown): Record<string, number> {
  const entries = reading('compute_metrics', () => Object.entries(metrics as Record<string, unknown>));
  const wrong = entries.find(([, value]) => typeof value !== 'number');
  if (wrong !== undefined) throw mismatch('ERR_INPUT', 'compute_metrics', `a number as ${wrong[0]}`, wrong[1]);
  return Object.fromEntries(entries) as Record<string, number>;
}
