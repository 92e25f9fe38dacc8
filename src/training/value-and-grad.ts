/** The loss of a batch and its gradient, as JAX's `value_and_grad` gives them. */
import { TrainingEngine } from '../engine/training-engine.js';
import { throwIfAborted } from '../ground/abort.js';
import { mismatch } from '../ground/errors.js';
import { checkOptions, type OptionNames } from '../ground/options.js';
import type { Tensor } from '../ground/tensor.js';
import type { AlbertPreTrainedModel } from '../model/albert.js';
import { checkSeed } from '../model/options.js';
import { checkTrainingMemory, claimWithin, trainableModel } from './access.js';
import { type Freeze, trainableOf } from './freeze.js';
import { checkTrainingInputs, type TrainingInputs } from './inputs.js';
import { checkLabels, type Labels } from './labels.js';
import { GradientMap } from './network/gradients.js';
import { computeGradients } from './network/pass.js';

/** How gradients are computed. */
export interface GradientOptions {
  /** The seed of dropout, which drops what `forward` with `train` drops. Default: no dropout. */
  readonly dropout_rng?: number;
  /**
   * The share of each class's probability that is spread over all classes, from 0 to below 1 (Szegedy et al. 2016); only where labels are classes.
   * Default: 0.
   */
  readonly label_smoothing_factor?: number;
  /** What gets no gradient and no work. */
  readonly freeze?: Freeze;
  /**
   * `true`: keep each layer's input only and compute the layer again, which takes a tenth of the memory and a third more time; `false`: keep
   * everything. Default: what fits.
   */
  readonly recompute?: boolean;
  /**
   * The most bytes that the model's memory may take while it trains, weights and gradients included. Default: 512 MiB; never more than
   * the model's own limit.
   */
  readonly maxMemoryBytes?: number;
  /** Stops before the next layer. */
  readonly signal?: AbortSignal;
}

const GRADIENT_OPTIONS: OptionNames<GradientOptions> = {
  dropout_rng: true,
  label_smoothing_factor: true,
  freeze: true,
  recompute: true,
  maxMemoryBytes: true,
  signal: true,
};

/** The loss of a batch and its gradients. */
export interface ValueAndGrad {
  /** The mean over what counts. */
  readonly loss: number;
  /** By the names that `params` has, each of its shape; without what is frozen, and without the pooler of AlbertModel, which no loss reads. */
  readonly grads: Map<string, Tensor<Float32Array>>;
}

/** Checks the options that are the same for every pass. @throws ERR_INPUT naming the option */
export function checkPassOptions({
  dropout_rng,
  label_smoothing_factor: smoothing,
  recompute,
}: Pick<GradientOptions, 'dropout_rng' | 'label_smoothing_factor' | 'recompute'>): void {
  if (dropout_rng !== undefined) checkSeed('dropout_rng', dropout_rng);
  if (smoothing !== undefined && !(typeof smoothing === 'number' && smoothing >= 0 && smoothing < 1)) {
    throw mismatch('ERR_INPUT', 'label_smoothing_factor', 'a number from 0 to below 1', smoothing);
  }
  if (recompute !== undefined && typeof recompute !== 'boolean') {
    throw mismatch('ERR_INPUT', 'recompute', 'true or false', recompute);
  }
}

/**
 * The loss of a batch and its gradient in every parameter. The model stays as it is; the call takes its turn among the model's calls. The
 * gradient is that of the whole batch, also where memory allows only a part of it at once. A list of texts gives what their padded batch
 * gives; but in question answering the tokens of a padded batch that the mask hides are among those to choose from, as in transformers.
 *
 * @param model on this thread, with float32 weights
 * @param inputs a batch as for `forward`; a list of texts or questions of any lengths, which are not padded; of AlbertModel, pairs
 * @param labels one per example or token, as transformers has them
 * @throws ERR_INPUT and ERR_TOO_LONG for inputs, labels and options before any kernel runs, and for a loss that is not finite; ERR_MEMORY when
 *   not even one example fits; ERR_ENVIRONMENT where WebAssembly may not run; ERR_ABORTED, ERR_DISPOSED
 */
export async function valueAndGrad(
  model: AlbertPreTrainedModel<object>,
  inputs: TrainingInputs,
  labels: Labels,
  given?: GradientOptions,
): Promise<ValueAndGrad> {
  const options = checkOptions(given, GRADIENT_OPTIONS);
  checkPassOptions(options);
  throwIfAborted(options.signal);
  const maxMemoryBytes = checkTrainingMemory(options.maxMemoryBytes);
  const local = trainableModel(model);
  const { architecture, config } = local;
  const checkedInputs = checkTrainingInputs(architecture, config, inputs);
  const checkedLabels = checkLabels(architecture, config, checkedInputs, labels);

  return local.exclusive(async (access) => {
    const { engine, layout } = access;
    const { memory } = engine;
    const names = layout.parameters.map(({ name }) => name);
    const trainable = trainableOf(names, options.freeze);
    const training = await TrainingEngine.make(engine);
    const before = memory.used;
    try {
      const region = memory.region();
      const gradients = new GradientMap(region, layout, trainable);
      claimWithin(memory, region, maxMemoryBytes);
      gradients.zero(memory);
      const request = { ...options, inputs: checkedInputs, labels: checkedLabels, maxMemoryBytes };
      const { loss } = await computeGradients(access, training, gradients, request);
      const grads = gradients.entries.map((entry) => [entry.parameter.name, gradients.read(engine, entry)] as const);
      return { loss, grads: new Map(grads) };
    } finally {
      memory.release(before);
    }
  }, options.signal);
}
