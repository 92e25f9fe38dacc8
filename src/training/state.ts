/** A training: the weights of a model, the moments of its optimiser, and its steps. */
import { writeFiles } from '#platform';
import { throwIfAborted } from '../ground/abort.js';
import { type AsyncDisposableIfKnown, asyncDisposable } from '../ground/disposable.js';
import { AlbertError, mismatch } from '../ground/errors.js';
import { checkOptions, type OptionNames } from '../ground/options.js';
import { openSource, type Source } from '../ground/source.js';
import type { AlbertPreTrainedModel } from '../model/albert.js';
import { checkDirectory } from '../model/options.js';
import type { LocalModel, ModelAccess } from '../model/runners/local.js';
import { checkTrainingMemory, trainableModel } from './access.js';
import { trainableOf } from './freeze.js';
import { Held } from './held.js';
import { checkTrainingInputs, type TrainingInputs } from './inputs.js';
import { checkLabels, type Labels } from './labels.js';
import { Features } from './network/features.js';
import { computeGradients } from './network/pass.js';
import type { GradientRequest } from './network/request.js';
import { checkOptimizer, learningRate, type Optimizer, optimizerOf } from './optimizers.js';
import { encodeTrainState, TRAIN_STATE_FILE, withState } from './state-file.js';
import { checkPassOptions, type GradientOptions } from './value-and-grad.js';

/** What holds for all steps of a training; as for `valueAndGrad`. */
export type TrainStateOptions = Pick<GradientOptions, 'freeze' | 'recompute' | 'maxMemoryBytes' | 'signal'>;

/** What holds for one step; as for `valueAndGrad`. The signal counts until the weights change. */
export type StepOptions = Pick<GradientOptions, 'dropout_rng' | 'label_smoothing_factor' | 'signal'>;

/** What one step gives. */
export interface StepResult {
  /** Of the batch, before the step. */
  readonly loss: number;
  /** The norm of all gradients as one vector, before it is clipped. */
  readonly grad_norm: number;
  /** With which the step was made. */
  readonly learning_rate: number;
}

const STATE_OPTIONS: OptionNames<TrainStateOptions> = {
  freeze: true,
  recompute: true,
  maxMemoryBytes: true,
  signal: true,
};
const STEP_OPTIONS: OptionNames<StepOptions> = { dropout_rng: true, label_smoothing_factor: true, signal: true };

/** What a state is made of. */
interface Made {
  readonly held: Held;
  readonly optimizer: Optimizer;
  readonly steps: number;
}

/** What holds for the passes of all steps. */
type PassOptions = Pick<GradientRequest, 'recompute' | 'maxMemoryBytes' | 'features'>;

/** The models that a state holds. */
const inTraining = new WeakSet<LocalModel>();

export interface TrainState extends AsyncDisposableIfKnown {}
/** Changes a model step by step, in place. Where the engine has `await using`, it disposes of a state. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines what the interface adds
export class TrainState {
  static {
    asyncDisposable(TrainState.prototype);
  }

  readonly #model: LocalModel;
  readonly #held: Held;
  readonly #optimizer: Optimizer;
  readonly #options: PassOptions;
  #steps: number;
  #disposed = false;
  /** Why the weights are neither those before nor those after a step. */
  #broken: unknown;

  private constructor(model: LocalModel, { held, optimizer, steps }: Made, options: PassOptions) {
    this.#model = model;
    this.#held = held;
    this.#optimizer = optimizer;
    this.#options = options;
    this.#steps = steps;
  }

  /**
   * Begins a training. Until `dispose`, the model holds gradients and moments: three times the bytes of what is trained.
   *
   * @param model on this thread, with float32 weights; no other state may hold it
   * @throws ERR_INPUT; ERR_MEMORY, where the model is as before; ERR_ENVIRONMENT where WebAssembly may not run; ERR_ABORTED, ERR_DISPOSED
   */
  static async create(
    model: AlbertPreTrainedModel<object>,
    optimizer: Optimizer,
    given?: TrainStateOptions,
  ): Promise<TrainState> {
    const checked = checkOptimizer(optimizer);
    return TrainState.#hold(model, given, async (access, { freeze }, most) => {
      const held = await Held.claim(access, trainableOf(namesOf(access), freeze), most);
      return { held, optimizer: checked, steps: 0 };
    });
  }

  /**
   * Continues a training that was saved: the next step is, bit for bit, the one that would have followed. What is frozen is what was
   * frozen.
   *
   * @param model the model that was saved with the state, loaded in float32
   * @param source the directory, or its files in memory
   * @param optimizer default: as it was saved, which a learning rate by a function of the caller's cannot be
   * @throws what `create` throws; ERR_SOURCE without the file, ERR_CHECKPOINT, ERR_PARAMETER and ERR_CONFIG for a file that is not this
   *   model's state; ERR_INPUT for other weights or another optimiser than those that it was saved with. The model is as before then
   */
  static async restore(
    model: AlbertPreTrainedModel<object>,
    source: Source,
    optimizer?: Optimizer,
    given?: TrainStateOptions,
  ): Promise<TrainState> {
    const checked = optimizer === undefined ? undefined : checkOptimizer(optimizer);
    return TrainState.#hold(model, given, async (access, { freeze, signal }, most) => {
      const opened = await openSource(source);
      return withState(opened, access, signal, async ({ optimizer: saved, steps, trainable, moment }) => {
        const used = checked ?? optimizerOf(saved);
        if (used.name !== saved.name) throw mismatch('ERR_INPUT', 'optimizer', `${saved.name}, as saved`, used.name);
        const asked = freeze === undefined ? undefined : trainableOf(namesOf(access), freeze);
        const held = await Held.claim(access, asked ?? ((name) => trainable.has(name)), most);
        try {
          checkTrained(held, trainable);
          await held.fill(moment, signal);
        } catch (error) {
          held.release();
          throw error;
        }
        return { held, optimizer: used, steps };
      });
    });
  }

  static async #hold(
    model: AlbertPreTrainedModel<object>,
    given: TrainStateOptions | undefined,
    make: (access: ModelAccess, options: TrainStateOptions, most: number) => Promise<Made>,
  ): Promise<TrainState> {
    const options = checkOptions(given, STATE_OPTIONS);
    const { recompute, signal } = options;
    checkPassOptions({ recompute });
    const maxMemoryBytes = checkTrainingMemory(options.maxMemoryBytes);
    throwIfAborted(signal);
    const local = trainableModel(model);
    if (inTraining.has(local)) {
      throw new AlbertError(
        'ERR_INPUT',
        '"model" expected no other TrainState that holds it: dispose of that one first',
      );
    }
    inTraining.add(local);
    try {
      const made = await local.exclusive((access) => make(access, options, maxMemoryBytes), signal);
      const features = new Features(local.architecture, maxMemoryBytes / 2);
      return new TrainState(local, made, { recompute, maxMemoryBytes, features });
    } catch (error) {
      inTraining.delete(local);
      throw error;
    }
  }

  /** The steps that were made. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One step: the gradient of the batch's mean loss, clipped, and the optimiser's change of the weights. It takes its turn among the
   * model's calls. Weights and moments change at the end, or not at all.
   *
   * @throws what `valueAndGrad` throws; ERR_INPUT naming the step, counted from 1, for a loss or a gradient that is not finite
   */
  async step(inputs: TrainingInputs, labels: Labels, given?: StepOptions): Promise<StepResult> {
    const options = checkOptions(given, STEP_OPTIONS);
    checkPassOptions(options);
    throwIfAborted(options.signal);
    const { architecture, config } = this.#model;
    const checkedInputs = checkTrainingInputs(architecture, config, inputs);
    const checkedLabels = checkLabels(architecture, config, checkedInputs, labels);
    return this.#exclusive(async (access) => {
      const { training, gradients, update } = this.#held;
      const learning_rate = learningRate(this.#optimizer, this.#steps);
      gradients.zero(access.engine.memory);
      const request = { ...options, ...this.#options, inputs: checkedInputs, labels: checkedLabels };
      const { loss } = await computeGradients(access, training, gradients, request).catch((error) => {
        throw atStep(this.#steps + 1, error);
      });
      const grad_norm = update.norm();
      if (!Number.isFinite(grad_norm)) {
        throw atStep(
          this.#steps + 1,
          mismatch('ERR_INPUT', 'grad_norm', 'a finite number: a lower learning_rate may help', grad_norm),
        );
      }
      throwIfAborted(options.signal);
      try {
        update.apply(this.#optimizer, this.#steps, grad_norm, learning_rate);
      } catch (error) {
        this.#broken = error;
        throw error;
      }
      this.#steps++;
      return { loss, grad_norm, learning_rate };
    }, options.signal);
  }

  /**
   * Writes the moments, the number of steps and the optimiser's settings into a directory (Node), under a temporary name first. It
   * does not write the model: call `save_pretrained` in float32 as well, after the same step.
   *
   * @throws ERR_INPUT, ERR_SOURCE when the directory cannot be written, ERR_ENVIRONMENT in a browser
   */
  async save(directory: string | URL): Promise<void> {
    checkDirectory(directory);
    await writeFiles(directory, await this.files(), []);
  }

  /** The files that `save` writes, by their names; `restore` takes them as they are. */
  async files(): Promise<ReadonlyMap<string, Uint8Array>> {
    const bytes = await this.#exclusive((access) =>
      encodeTrainState(access, this.#optimizer, this.#steps, this.#held.moments()),
    );
    return new Map([[TRAIN_STATE_FILE, bytes]]);
  }

  /** Ends the training; the model keeps its weights and may be trained anew. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    // A model that was disposed of has no memory to give back.
    await this.#model.exclusive(() => this.#held.release()).catch(() => {});
    inTraining.delete(this.#model);
  }

  #exclusive<T>(work: (access: ModelAccess) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#disposed) throw new AlbertError('ERR_DISPOSED', 'the training has been disposed');
    return this.#model.exclusive((access) => {
      if (this.#broken !== undefined) {
        const advice = 'load the model and restore its last saved state';
        const options = { cause: this.#broken };
        throw new AlbertError('ERR_WORKER', `an earlier step failed while the weights changed: ${advice}`, options);
      }
      return work(access);
    }, signal);
  }
}

function namesOf({ layout }: ModelAccess): string[] {
  return layout.parameters.map(({ name }) => name);
}

/** @throws ERR_INPUT unless what is trained is what was trained when the state was saved */
function checkTrained({ gradients }: Held, saved: ReadonlySet<string>): void {
  const trained = new Set(gradients.entries.map(({ parameter }) => parameter.name));
  const [frozen, thawed] = [
    [...saved].find((name) => !trained.has(name)),
    [...trained].find((name) => !saved.has(name)),
  ];
  if (frozen !== undefined) throw mismatch('ERR_INPUT', 'freeze', `${frozen} to be trained, as saved`, 'it frozen');
  if (thawed !== undefined) throw mismatch('ERR_INPUT', 'freeze', `${thawed} to be frozen, as saved`, 'it trained');
}

/** An error of the data, with the step in front of its message; any other error as it is. */
function atStep(step: number, error: unknown): unknown {
  if (!(error instanceof AlbertError) || error.code !== 'ERR_INPUT') return error;
  return new AlbertError(error.code, `step ${step}: ${error.message}`, { cause: error });
}
