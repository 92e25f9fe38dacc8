/** One run of training: its steps, and what is due after each of them. */
import { yieldToEventLoop } from '#platform';
import { throwIfAborted } from '../../ground/abort.js';
import { mismatch } from '../../ground/errors.js';
import type { Tensor } from '../../ground/tensor.js';
import { mix } from '../../model/random.js';
import type { TrainState } from '../state.js';
import type { AnyModel, Feature, TaskContext, TrainableTask } from '../tasks/task.js';
import { type IntervalStrategy, isSpeed, type ResolvedArguments } from './arguments.js';
import { checkpointPath, writeCheckpoint } from './checkpoints.js';
import { readWeights, writeParams } from './model-files.js';
import { groupedByLength, shuffled } from './order.js';
import { Pace, type TrainingProgress } from './progress.js';
import { type Course, encodeTrainerState, type LogEntry, type MutableState, TRAINER_STATE_FILE } from './state.js';

/** What a run needs of its trainer. */
export interface RunOptions {
  readonly model: AnyModel;
  readonly task: TrainableTask;
  readonly context: TaskContext;
  readonly args: ResolvedArguments;
  readonly features: readonly Feature[];
  readonly course: Course;
  readonly evaluate: () => Promise<Record<string, number>>;
  readonly files: () => Promise<Map<string, Uint8Array>>;
  readonly onProgress: ((progress: TrainingProgress) => void) | undefined;
  readonly onLog: ((entry: LogEntry) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Keeps the seeds of what is drawn apart. */
const [DRAW_ORDER, DRAW_DROPOUT, DRAW_BATCH] = [1, 2, 3];

/** Steps of one epoch. */
export function stepsPerEpoch({ examples, examples_per_step }: Course): number {
  return Math.ceil(examples / examples_per_step);
}

/** Steps of a whole run. */
export function totalSteps(course: Course, { max_steps, num_train_epochs }: ResolvedArguments): number {
  return max_steps > 0 ? max_steps : Math.ceil(num_train_epochs * stepsPerEpoch(course));
}

export class Run {
  readonly #options: RunOptions;
  readonly #train: TrainState;
  readonly #state: MutableState;
  readonly #pace = new Pace();
  readonly #perEpoch: number;
  readonly #total: number;
  #order: { readonly epoch: number; readonly indices: readonly number[] } | undefined;
  /** The best parameters, if they are in no checkpoint. */
  #best: ReadonlyMap<string, Tensor> | undefined;

  /** @param state goes on from where it is, and changes with each step */
  constructor(options: RunOptions, train: TrainState, state: MutableState) {
    this.#options = options;
    this.#train = train;
    this.#state = state;
    this.#perEpoch = stepsPerEpoch(options.course);
    this.#total = totalSteps(options.course, options.args);
  }

  /** Runs until the last step, or until evaluations are no better. @throws ERR_ABORTED, between two steps or within one */
  async finish(): Promise<void> {
    const { args, signal } = this.#options;
    const state = this.#state;
    while (!this.isOver) {
      await yieldToEventLoop();
      throwIfAborted(signal);
      if (state.settled_step === state.global_step) await this.#step();
      await this.#settle();
    }
    if (args.load_best_model_at_end) await this.#restoreBest();
  }

  /** Whether nothing is left: all steps are made, or evaluations were no better. */
  get isOver(): boolean {
    const { global_step, settled_step, early_stopping_patience_counter: worse } = this.#state;
    const { early_stopping_patience = Number.POSITIVE_INFINITY } = this.#options.args;
    return settled_step === global_step && (global_step >= this.#total || worse >= early_stopping_patience);
  }

  /** Does what is due after the last step. If that is aborted, a resumed run does it. */
  async #settle(): Promise<void> {
    const { args, model } = this.#options;
    const state = this.#state;
    if (this.#isDue(args.logging_strategy, args.logging_steps) && state.unlogged.steps > 0) this.#logTraining();
    let isBest = false;
    if (this.#isDue(args.eval_strategy, args.eval_steps)) {
      const metrics = await this.#options.evaluate();
      isBest = this.#judge(metrics);
      this.log(metrics);
    }
    state.settled_step = state.global_step;
    const keepsBest = isBest && args.load_best_model_at_end;
    if (this.#isDue(args.save_strategy, args.save_steps) || (keepsBest && args.output_dir !== undefined))
      await this.save();
    else if (keepsBest) this.#best = model.params;
  }

  /** Writes a checkpoint of the step that was the last. @returns its path */
  async save(): Promise<string> {
    const { args, course, files } = this.#options;
    const state = this.#state;
    const output_dir = args.output_dir as string;
    if (state.best_global_step === state.global_step) {
      state.best_model_checkpoint = checkpointPath(output_dir, state.global_step);
    }
    const all = await files();
    all.set(TRAINER_STATE_FILE, encodeTrainerState(state, course));
    for (const [name, bytes] of await this.#train.files()) all.set(name, bytes);
    return writeCheckpoint(output_dir, state.global_step, all, args.save_total_limit, state.best_global_step);
  }

  log(values: Readonly<Record<string, number>>): void {
    const { epoch, global_step: step } = this.#state;
    const entry: LogEntry = { ...values, epoch, step };
    this.#state.log_history = [...this.#state.log_history, entry];
    this.#options.onLog?.(entry);
  }

  async #step(): Promise<void> {
    const { args, task, context, course, onProgress, signal } = this.#options;
    const state = this.#state;
    const { global_step } = state;
    const features = this.#draw(global_step);
    const tokens = features.reduce((sum, feature) => sum + feature.tokens, 0);
    const seedOf = (draw: number) => mix(mix(args.seed, draw) >>> 0, global_step) >>> 0;
    const { inputs, labels } = task.batch(features, context, seedOf(DRAW_BATCH));
    const { label_smoothing_factor } = args;
    const dropout_rng = args.dropout ? seedOf(DRAW_DROPOUT) : undefined;
    const { loss, grad_norm, learning_rate } = await this.#pace.time(tokens, () =>
      this.#train.step(inputs, labels, { dropout_rng, label_smoothing_factor, signal }),
    );
    const step = global_step + 1;
    state.global_step = step;
    // The last step of an epoch may have fewer examples.
    const read = Math.min(course.examples, ((global_step % this.#perEpoch) + 1) * course.examples_per_step);
    state.epoch = Math.floor(global_step / this.#perEpoch) + read / course.examples;
    state.num_input_tokens_seen += tokens;
    state.total_loss += loss;
    state.unlogged = { loss: state.unlogged.loss + loss, steps: state.unlogged.steps + 1 };
    this.#last = { grad_norm, learning_rate };
    onProgress?.({
      step,
      total_steps: this.#total,
      epoch: state.epoch,
      loss,
      grad_norm,
      learning_rate,
      tokens_per_second: this.#pace.tokensPerSecond,
      seconds_left: this.#pace.secondsOf(this.#total - step),
    });
  }

  #last = { grad_norm: 0, learning_rate: 0 };

  /** The examples of a step. */
  #draw(step: number): Feature[] {
    const { args, course, features } = this.#options;
    const epoch = Math.floor(step / this.#perEpoch);
    if (this.#order?.epoch !== epoch) {
      const seed = mix(mix(args.seed, DRAW_ORDER) >>> 0, epoch) >>> 0;
      const indices = args.group_by_length
        ? groupedByLength(
            features.map(({ tokens }) => tokens),
            course.examples_per_step,
            seed,
          )
        : shuffled(features.length, seed);
      this.#order = { epoch, indices };
    }
    const from = (step % this.#perEpoch) * course.examples_per_step;
    return this.#order.indices.slice(from, from + course.examples_per_step).map((index) => features[index] as Feature);
  }

  #isDue(strategy: IntervalStrategy, steps: number): boolean {
    const { global_step: step } = this.#state;
    if (strategy === 'epoch') return step % this.#perEpoch === 0 || step === this.#total;
    return strategy === 'steps' && step % steps === 0;
  }

  #logTraining(): void {
    const { loss, steps } = this.#state.unlogged;
    this.#state.unlogged = { loss: 0, steps: 0 };
    this.log({ loss: loss / steps, ...this.#last });
  }

  /** Whether an evaluation is the best so far; counts those in a row that were no better. */
  #judge(metrics: Readonly<Record<string, number>>): boolean {
    const { metric_for_best_model: name, greater_is_better, early_stopping_threshold } = this.#options.args;
    const key = name.startsWith('eval_') ? name : `eval_${name}`;
    const value = metrics[key];
    if (value === undefined) {
      const names = Object.keys(metrics).filter((metric) => !isSpeed(metric));
      throw mismatch('ERR_INPUT', 'metric_for_best_model', names.join(', '), name);
    }
    const state = this.#state;
    const { best_metric } = state;
    // What is not a number is better than nothing.
    const gain = Number.isNaN(value)
      ? Number.NEGATIVE_INFINITY
      : best_metric === null
        ? Number.POSITIVE_INFINITY
        : greater_is_better
          ? value - best_metric
          : best_metric - value;
    state.early_stopping_patience_counter =
      gain > early_stopping_threshold ? 0 : state.early_stopping_patience_counter + 1;
    if (!(gain > 0)) return false;
    state.best_metric = value;
    state.best_global_step = state.global_step;
    // Until it is saved.
    state.best_model_checkpoint = null;
    return true;
  }

  async #restoreBest(): Promise<void> {
    const { model } = this.#options;
    const { best_model_checkpoint } = this.#state;
    if (this.#best !== undefined) await writeParams(model, this.#best);
    else if (best_model_checkpoint !== null) await readWeights(model, best_model_checkpoint);
  }
}
