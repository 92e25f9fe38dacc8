/** The examples of a trainer as its model reads them, each dataset once. */
import { mismatch } from '../../ground/errors.js';
import { asDataset, type Dataset } from '../data/dataset.js';
import type { TrainingTask } from '../data/examples.js';
import { TASKS } from '../tasks/index.js';
import type { TaskContext } from '../tasks/task.js';
import { problemTypeOf } from '../tasks/text-classification.js';
import { type Prepared, prepare } from './evaluation.js';
import type { Examples, TrainerOptions } from './trainer-options.js';

export class TrainerExamples {
  readonly #options: Pick<TrainerOptions, 'train_dataset' | 'eval_dataset' | 'signal'>;
  readonly #task: TrainingTask;
  readonly #context: TaskContext;
  readonly #prepared = new Map<string, Promise<Prepared>>();

  constructor(
    options: Pick<TrainerOptions, 'train_dataset' | 'eval_dataset' | 'signal'>,
    task: TrainingTask,
    context: TaskContext,
  ) {
    this.#options = options;
    this.#task = task;
    this.#context = context;
  }

  /** A dataset of the options. @throws ERR_INPUT if there is none, or its examples do not fit the model */
  of(name: 'train_dataset' | 'eval_dataset'): Promise<Prepared> {
    const given = this.#options[name];
    if (given === undefined) throw mismatch('ERR_INPUT', name, 'a dataset', given);
    const prepared = this.#prepared.get(name) ?? this.prepare(given, name);
    this.#prepared.set(name, prepared);
    return prepared;
  }

  /** Any dataset. @throws ERR_INPUT if its examples do not fit the model */
  async prepare(given: Examples, name: string): Promise<Prepared> {
    const problem = this.#task === 'text-classification' ? problemTypeOf(this.#context) : undefined;
    const dataset = await asDataset(this.#task, given as never, name, problem);
    // What is evaluated has the scale that is learned, whatever its own largest label.
    const scale = name === 'train_dataset' ? dataset : await this.#learned();
    const context = { ...this.#context, ...(scale !== undefined && { max_score: scale.max_score }) };
    return prepare(dataset, TASKS[this.#task], context, this.#options.signal);
  }

  async #learned(): Promise<Dataset | undefined> {
    const isScaled = this.#task === 'sentence-similarity' && this.#options.train_dataset !== undefined;
    return isScaled ? (await this.of('train_dataset')).dataset : undefined;
  }
}
