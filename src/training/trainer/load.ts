/** Loads a model and its tokenizer for the examples that it is to be trained on. */
import { mismatch } from '../../ground/errors.js';
import { checkOptions } from '../../ground/options.js';
import { openSource, type Source } from '../../ground/source.js';
import { asOneLoad, SOURCE_OPTIONS, type SourceOptions } from '../../ground/source-options.js';
import { checkSeed } from '../../model/options.js';
import { openModel, PIPELINE_OPTIONS, type PipelineOptions } from '../../pipelines/pipeline.js';
import { AlbertTokenizer } from '../../tokenizer/tokenizer.js';
import { RARE_READERS } from '../../weights/rare.js';
import type { Dataset } from '../data/dataset.js';
import type { TrainingTask } from '../data/examples.js';
import { TASKS } from '../tasks/index.js';
import type { AnyModel } from '../tasks/task.js';
import { loadOpened } from './open.js';

/** How a model is loaded to be trained. */
export interface TrainingLoadOptions extends SourceOptions {
  /** Threads that compute, or `auto`; as for `from_pretrained`. Default: 1. */
  readonly threads?: number | 'auto';
  /** The most bytes that the model's memory can grow to; training uses no more than its own `maxMemoryBytes` of them. Default: 1 GiB. */
  readonly maxMemoryBytes?: number;
  /** The kernels; as for `from_pretrained`. */
  readonly wasmUrl?: string | URL;
  /** V8's flag for 256-bit vectors; as for `from_pretrained`. */
  readonly engineFlags?: 'wide' | undefined;
  /** The seed of a new head. Default: 42. */
  readonly seed?: number;
  /** A tokenizer, or the source of one, for a checkpoint without a tokenizer. */
  readonly tokenizer?: Source | AlbertTokenizer;
}

/** A model and its tokenizer. */
export interface TrainableModel {
  readonly model: AnyModel;
  readonly tokenizer: AlbertTokenizer;
}

/**
 * Loads a checkpoint of any kind as the class of a dataset's task, with the dataset's labels in its configuration: `id2label`,
 * `label2id`, `problem_type`. A head that the checkpoint lacks, or has for another number of labels, is initialised by the seed.
 * The model is a float32 one on the calling thread.
 *
 * @throws what `from_pretrained` throws
 */
export async function loadForTraining(
  source: Source,
  dataset: Dataset,
  given?: TrainingLoadOptions,
): Promise<TrainableModel> {
  const names = {
    ...SOURCE_OPTIONS,
    threads: true,
    maxMemoryBytes: true,
    wasmUrl: true,
    engineFlags: true,
    seed: true,
    tokenizer: true,
  } as const;
  const options = asOneLoad(checkOptions(given, names), { weights: true });
  const { tokenizer: other, seed = 42, threads, maxMemoryBytes, wasmUrl, engineFlags, ...reading } = options;
  checkSeed('seed', seed);
  const opened = await openSource(source, reading);
  const tokenizer =
    other instanceof AlbertTokenizer
      ? other
      : await AlbertTokenizer.from_opened(
          other === undefined ? opened : await openSource(other, { ...reading, revision: undefined }),
          reading.signal,
        );
  const { signal } = reading;
  const model = await loadOpened({ source: opened, readers: RARE_READERS }, dataset, {
    threads,
    maxMemoryBytes,
    wasmUrl,
    engineFlags,
    seed,
    signal,
  });
  return { model, tokenizer };
}

/**
 * Loads a checkpoint that was made for a task, to evaluate it: with all options of `pipeline`, also in int8.
 *
 * @throws what `pipeline` throws, also for a checkpoint without the task's head
 */
export async function loadForEvaluation(
  task: TrainingTask,
  source: Source,
  given?: PipelineOptions,
): Promise<TrainableModel> {
  if (typeof task !== 'string' || !Object.hasOwn(TASKS, task)) {
    throw mismatch('ERR_INPUT', 'task', Object.keys(TASKS).join(', '), task);
  }
  const options = asOneLoad(checkOptions(given, PIPELINE_OPTIONS), { weights: true });
  const { model, tokenizer } = await openModel(TASKS[task].Class, await openSource(source, options), {
    strict: true,
    ...options,
  });
  return { model, tokenizer };
}
