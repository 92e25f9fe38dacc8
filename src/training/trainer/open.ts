/** Loads a model for the examples that it is to be trained on, from a source that is open. */
import type { RuntimeOptions } from '../../engine/runtime.js';
import { mismatch } from '../../ground/errors.js';
import { checkFileSize } from '../../ground/file-limits.js';
import type { OpenedSource } from '../../ground/source.js';
import { checkInitOptions, checkSeed, type InitOptions } from '../../model/options.js';
import { LocalModel } from '../../model/runners/local.js';
import type { RareReaders } from '../../weights/formats.js';
import { Dataset } from '../data/dataset.js';
import type { TrainingTask } from '../data/examples.js';
import { TASKS } from '../tasks/index.js';
import { type AnyModel, labelConfig } from '../tasks/task.js';

/** Where a model's files come from. */
export interface TrainingOrigin {
  readonly source: OpenedSource;
  readonly readers: RareReaders;
  /** How helper threads are started. Default: this thread starts them. */
  readonly startHelper?: RuntimeOptions['startHelper'];
}

/** How it is loaded. */
export interface OpenedLoadOptions extends Pick<InitOptions, 'threads' | 'maxMemoryBytes' | 'wasmUrl' | 'engineFlags'> {
  /** The seed of a new head. Default: 42. */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The float32 model of a dataset's task, on this thread. @throws what `from_pretrained` throws */
export async function loadOpened(
  { source, readers, startHelper }: TrainingOrigin,
  dataset: Dataset,
  { seed = 42, signal, ...options }: OpenedLoadOptions,
): Promise<AnyModel> {
  checkSeed('seed', seed);
  if (!(dataset instanceof Dataset))
    throw mismatch('ERR_INPUT', 'dataset', 'a dataset that loadDataset has read', dataset);
  checkClasses(dataset);
  const { Class, config } = TASKS[dataset.task as TrainingTask];
  const { worker: _worker, ...checked } = checkInitOptions({ ...options, dtype: 'float32' });
  const before = labelsIn(await readConfig(source, signal));
  const { labels } = dataset;
  // Whoever trains a classifier further has its labels in its order, whatever the order in the examples.
  const sameLabels =
    labels === undefined || (before !== undefined && [...before].sort().join('\n') === [...labels].sort().join('\n'));
  const values = { ...config(dataset), ...(labels !== undefined && sameLabels && labelConfig(before as string[])) };
  const origin = { source: withConfig(source, values), readers, strict: false, newHead: { seed, sameLabels } };
  const runner = await LocalModel.load(origin, { ...checked, startHelper }, Class.architecture, signal);
  return new Class({ runner });
}

/** @throws ERR_INPUT if there is nothing to tell apart: one class or tag in all examples, or lists of labels that are all empty */
function checkClasses(dataset: Dataset): void {
  const { labels, problem_type } = dataset;
  const least = problem_type === 'multi_label_classification' ? 1 : 2;
  if (labels === undefined || labels.length >= least) return;
  const expected = least === 1 ? 'a label in at least one example' : 'at least two different ones, to tell apart';
  const where = `${dataset.where(0)} and all after it`;
  throw mismatch('ERR_INPUT', problem_type === undefined ? 'tags' : 'label', expected, labels[0] ?? 'none', where);
}

/** config.json as an object; `undefined` if there is none, or it is none: the model refuses it with its own message. */
async function readConfig(source: OpenedSource, signal?: AbortSignal): Promise<Record<string, unknown> | undefined> {
  const bytes = await source.readFile('config.json', signal);
  if (bytes === undefined) return undefined;
  checkFileSize('config.json', bytes.length, source.name);
  try {
    const config: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof config === 'object' && config !== null && !Array.isArray(config) ? { ...config } : undefined;
  } catch {
    return undefined;
  }
}

/** The names of a configuration's labels in the order of their ids; `undefined` if it has none. */
function labelsIn(config: Record<string, unknown> | undefined): string[] | undefined {
  const { id2label } = config ?? {};
  if (typeof id2label !== 'object' || id2label === null) return undefined;
  const names: unknown[] = Array.from({ length: Object.keys(id2label).length }, (_, id) => id2label[id as never]);
  return names.every((name) => typeof name === 'string') ? (names as string[]) : undefined;
}

/** The source with other values in its configuration; `undefined` removes a key. */
function withConfig(source: OpenedSource, values: Readonly<Record<string, unknown>>): OpenedSource {
  return {
    ...source,
    async readFile(file, signal) {
      const config = file === 'config.json' ? await readConfig(source, signal) : undefined;
      if (config === undefined) return source.readFile(file, signal);
      return new TextEncoder().encode(JSON.stringify({ ...config, ...values }));
    },
  };
}
