/** The trainer: what a person asks of it, around the steps of a `TrainState`. */
import { checkWritable, openFile, pathUrl, writeFiles } from '#platform';
import { closeBytes, sliceBytes } from '../../ground/bytes.js';
import { AlbertError, mismatch } from '../../ground/errors.js';
import { checkOptions } from '../../ground/options.js';
import { checkDirectory } from '../../model/options.js';
import type { AlbertTokenizer } from '../../tokenizer/tokenizer.js';
import type { TrainingTask } from '../data/examples.js';
import { TrainState } from '../state.js';
import { TASKS, taskOf } from '../tasks/index.js';
import { type AnyModel, labelIdsOf, type TaskContext, type TrainableTask } from '../tasks/task.js';
import { type ResolvedArguments, resolveArguments } from './arguments.js';
import { bestCheckpoint, lastCheckpoint, sweepCheckpoints } from './checkpoints.js';
import { checkMetric, type EvalPrediction, evaluate, type Prepared } from './evaluation.js';
import { modelFiles, readWeights } from './model-files.js';
import { makeOptimizer } from './optimizer.js';
import { Run, totalSteps } from './run.js';
import {
  type Course,
  courseOf,
  decodeTrainerState,
  freshState,
  type MutableState,
  TRAINER_STATE_FILE,
  type TrainerState,
} from './state.js';
import { TrainerExamples } from './trainer-examples.js';
import {
  checkTrainerOptions,
  type Examples,
  sequenceLength,
  type TrainerOptions,
  type TrainOutput,
} from './trainer-options.js';

/**
 * Trains and evaluates a model, as Hugging Face's `Trainer`. The model is trained in place.
 *
 * The task follows from the model's class: text classification (one class, several, or a value, by `problem_type`), token
 * classification, question answering, multiple choice, masked words, and sentence similarity for a bare `AlbertModel`.
 */
export class Trainer {
  readonly model: AnyModel;
  readonly tokenizer: AlbertTokenizer;
  readonly args: ResolvedArguments;
  readonly #options: TrainerOptions;
  readonly #taskName: TrainingTask;
  readonly #task: TrainableTask;
  readonly #context: TaskContext;
  readonly #examples: TrainerExamples;
  #state: MutableState = freshState();
  #isTraining = false;

  /** @throws ERR_INPUT for invalid options and arguments, for a class without a task, and for a model in a worker or in int8 if there is a `train_dataset` */
  constructor(given: TrainerOptions) {
    const options = checkTrainerOptions(given);
    const { model, tokenizer } = options;
    this.model = model;
    this.tokenizer = tokenizer;
    this.args = resolveArguments(options.args);
    this.#options = options;
    this.#taskName = taskOf(model);
    this.#task = TASKS[this.#taskName];
    const { config } = model;
    const max_seq_length = sequenceLength(this.#taskName, tokenizer, config, this.args);
    this.#context = { tokenizer, config, labels: labelIdsOf(config), max_seq_length };
    this.#examples = new TrainerExamples(options, this.#taskName, this.#context);
  }

  /** Where training is; a copy. */
  get state(): TrainerState {
    return structuredClone(this.#state);
  }

  /**
   * Trains the model.
   *
   * An `AbortSignal` that fires ends it within a step, which is as if it had not begun; with an `output_dir` and a `save_strategy`
   * a checkpoint is written then.
   *
   * @param given `resume_from_checkpoint`: a checkpoint's directory, or `true` for the last one in `output_dir`: training goes on from
   *   there, bit for bit as if it had not been interrupted; one that was finished adds nothing to its log
   * @throws ERR_INPUT for examples that do not fit the model, and for a loss that is not finite; ERR_SOURCE for a checkpoint that cannot
   *   be written or read; ERR_MEMORY, ERR_ABORTED. The model is then as after the last whole step
   */
  async train(given?: { readonly resume_from_checkpoint?: string | boolean }): Promise<TrainOutput> {
    const { resume_from_checkpoint: from = false } = checkOptions(given, { resume_from_checkpoint: true });
    if (typeof from !== 'boolean' && (typeof from !== 'string' || from === '')) {
      throw mismatch('ERR_INPUT', 'resume_from_checkpoint', 'a directory, true or false', from);
    }
    if (this.#isTraining) throw new AlbertError('ERR_INPUT', 'this trainer is training already');
    this.#isTraining = true;
    try {
      return await this.#trainFrom(from);
    } finally {
      this.#isTraining = false;
    }
  }

  async #trainFrom(from: string | boolean): Promise<TrainOutput> {
    const train_dataset = await this.#examples.of('train_dataset');
    const { features } = train_dataset;
    if (this.args.eval_strategy !== 'no') {
      const evaluated = await this.#examples.of('eval_dataset');
      const isOwn = this.#options.compute_metrics === undefined;
      if (isOwn) checkMetric(this.args.metric_for_best_model, evaluated, this.#task, this.#context);
    }
    const course = courseOf(this.#taskName, features, this.#context, this.args);
    const directory = from === true ? await lastCheckpoint(this.args.output_dir) : from === false ? undefined : from;
    const optimizer = makeOptimizer(this.args, totalSteps(course, this.args));
    const { output_dir, freeze, recompute, maxMemoryBytes } = this.args;
    const writes = this.args.save_strategy !== 'no' || this.args.load_best_model_at_end;
    if (output_dir !== undefined && writes) {
      await checkWritable(output_dir);
      await sweepCheckpoints(output_dir);
    }
    const options = { freeze, recompute, maxMemoryBytes };
    this.#state = directory === undefined ? freshState() : await this.#read(directory, course);
    const train =
      directory === undefined
        ? await TrainState.create(this.model, optimizer, options)
        : await TrainState.restore(this.model, pathUrl(`${directory}/`), optimizer, options);
    try {
      if (train.steps !== this.#state.global_step) {
        throw mismatch(
          'ERR_CHECKPOINT',
          'global_step',
          `${train.steps}, as its optimiser has made`,
          this.#state.global_step,
        );
      }
      return await this.#trainWith(train, course, train_dataset);
    } finally {
      await train.dispose();
    }
  }

  async #trainWith(train: TrainState, course: Course, { dataset, features }: Prepared): Promise<TrainOutput> {
    const { args, model } = this;
    const { onProgress, onLog, signal } = this.#options;
    const state = this.#state;
    state.max_steps = totalSteps(course, args);
    state.num_train_epochs = Math.ceil(args.num_train_epochs);
    const run = new Run(
      {
        model,
        task: this.#task,
        context: this.#context,
        args,
        features,
        course,
        evaluate: async () => (await this.#evaluate(await this.#examples.of('eval_dataset'), 'eval')).metrics,
        files: () => this.files(),
        onProgress,
        onLog,
        signal,
      },
      train,
      state,
    );
    const start = performance.now();
    const { global_step, epoch } = state;
    const wasOver = run.isOver;
    try {
      await run.finish();
    } catch (error) {
      const isAborted = error instanceof AlbertError && error.code === 'ERR_ABORTED';
      if (!isAborted || args.save_strategy === 'no' || state.global_step === 0) throw error;
      const path = await run.save();
      throw new AlbertError('ERR_ABORTED', `training was aborted; ${path} has what it learned until then`, {
        cause: error,
      });
    }
    const seconds = (performance.now() - start) / 1000;
    const training_loss = state.total_loss / Math.max(1, state.global_step);
    const steps = state.global_step - global_step;
    // The last step of an epoch may have fewer examples than the others.
    const examples = (state.epoch - epoch) * dataset.length;
    const metrics = {
      train_runtime: seconds,
      train_samples_per_second: examples / Math.max(1e-6, seconds),
      train_steps_per_second: steps / Math.max(1e-6, seconds),
      train_loss: training_loss,
    };
    // A run that was finished when it was resumed keeps its log.
    if (!wasOver) run.log(metrics);
    return { global_step: state.global_step, training_loss, metrics };
  }

  /**
   * Evaluates the model.
   *
   * @param dataset default: `eval_dataset`
   * @returns `eval_loss`, the task's metrics (`eval_accuracy`, …) or those of `compute_metrics`, `eval_runtime` in seconds, `eval_samples_per_second`
   */
  async evaluate(dataset?: Examples): Promise<Record<string, number>> {
    const prepared =
      dataset === undefined
        ? await this.#examples.of('eval_dataset')
        : await this.#examples.prepare(dataset, 'dataset');
    return (await this.#evaluate(prepared, 'eval')).metrics;
  }

  /** The model's predictions for a dataset, what they should be, and the metrics, whose names begin with `test_`. */
  async predict(dataset: Examples): Promise<EvalPrediction & { readonly metrics: Readonly<Record<string, number>> }> {
    return this.#evaluate(await this.#examples.prepare(dataset, 'dataset'), 'test');
  }

  /**
   * The files of the model as it is, by name, in memory: `config.json`, `model.safetensors`, the tokenizer's, and for sentence
   * similarity those of sentence-transformers. They are a source for `from_pretrained` and `pipeline`.
   */
  async files(): Promise<Map<string, Uint8Array>> {
    const { max_seq_length } = this.#context;
    return modelFiles(
      this.model,
      this.tokenizer,
      this.#taskName === 'sentence-similarity' ? { max_seq_length } : undefined,
    );
  }

  /** Writes `files` into a directory (Node), which every pipeline loads, and Hugging Face's libraries in Python. */
  async save_model(directory: string | URL): Promise<void> {
    checkDirectory(directory);
    await writeFiles(directory, await this.files(), []);
  }

  async #read(directory: string, course: Course): Promise<MutableState> {
    const url = pathUrl(`${directory.replace(/\/+$/, '')}/${TRAINER_STATE_FILE}`);
    const bytes = await openFile(url);
    try {
      const state = decodeTrainerState(bytes && (await sliceBytes(bytes)), course, directory);
      if (this.args.load_best_model_at_end && state.best_global_step !== null) {
        state.best_model_checkpoint = await bestCheckpoint(state, directory);
      }
      await readWeights(this.model, directory, this.#options.signal);
      return state;
    } finally {
      await closeBytes(bytes);
    }
  }

  #evaluate(prepared: Prepared, prefix: string) {
    const { compute_metrics, onEvaluation, signal } = this.#options;
    const { per_device_eval_batch_size: batch_size } = this.args;
    return evaluate(this.model, this.#task, prepared, this.#context, {
      batch_size,
      prefix,
      compute_metrics,
      onProgress: onEvaluation,
      signal,
    });
  }
}
