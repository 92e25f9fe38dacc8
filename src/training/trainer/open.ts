/** Loads a model for the examples that it is to be trained on, from a source that is open. */
import type { RuntimeOptions } from '../../engine/runtime.js';
import { AlbertError } from '../../ground/errors.js';
import type { OpenedSource } from '../../ground/source.js';
import { checkInitOptions, checkSeed, type InitOptions } from '../../model/options.js';
import { LocalModel } from '../../model/runners/local.js';
import type { RareReaders } from '../../weights/formats.js';
import type { Dataset } from '../data/dataset.js';
import type { TrainingTask } from '../data/examples.js';
import { TASKS } from '../tasks/index.js';
import type { AnyModel } from '../tasks/task.js';

/** Where a model's files come from. */
export interface TrainingOrigin {
  readonly source: OpenedSource;
  readonly readers: RareReaders;
  /** How helper threads are started. Default: this thread starts them. */
  readonly startHelper?: RuntimeOptions['startHelper'];
}

/** How it is loaded. */
export interface OpenedLoadOptions extends Pick<InitOptions, 'threads' | 'maxMemoryBytes' | 'wasmUrl'> {
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
  const { Class, config } = TASKS[dataset.task as TrainingTask];
  checkSeed('seed', seed);
  const { worker: _worker, ...checked } = checkInitOptions({ ...options, dtype: 'float32' });
  const origin = { source: withConfig(source, config(dataset)), readers, strict: false, newHead: { seed } };
  const runner = await LocalModel.load(origin, { ...checked, startHelper }, Class.architecture, signal);
  return new Class({ runner });
}

/** The source with other values in its configuration; `undefined` removes a key. */
function withConfig(source: OpenedSource, values: Readonly<Record<string, unknown>>): OpenedSource {
  return {
    ...source,
    async readFile(file, signal) {
      const bytes = await source.readFile(file, signal);
      if (file !== 'config.json' || bytes === undefined) return bytes;
      let config: unknown;
      try {
        config = JSON.parse(new TextDecoder().decode(bytes));
      } catch (cause) {
        throw new AlbertError('ERR_CONFIG', `config.json is not JSON: ${(cause as Error).message}`, { cause });
      }
      // What is no object is refused by the model, with its own message.
      if (typeof config !== 'object' || config === null || Array.isArray(config)) return bytes;
      return new TextEncoder().encode(JSON.stringify({ ...config, ...values }));
    },
  };
}
