/** `fineTune`: a whole fine-tuning by one call, in a worker where the platform prefers one. */
import { worksInWorker } from '#platform';
import { startTrainingWorker } from '#training-worker';
import { throwIfAborted } from '../ground/abort.js';
import { codeUrl } from '../ground/code-url.js';
import { mismatch } from '../ground/errors.js';
import { checkOptions } from '../ground/options.js';
import { openSource, type Source } from '../ground/source.js';
import { SOURCE_OPTIONS, type SourceOptions } from '../ground/source-options.js';
import { Link } from '../model/runners/worker/link.js';
import { ServedSource } from '../model/runners/worker/source.js';
import { RARE_READERS } from '../weights/rare.js';
import type { TrainingTask } from './data/examples.js';
import { type FineTuneSettings, type FineTuning, fineTuneHere } from './fine-tune-here.js';
import type { TrainingProgress } from './trainer/progress.js';
import type { LogEntry } from './trainer/state.js';
import type { SentRequest, SentResult } from './worker/messages.js';

/** What is trained, with what, and who is told. */
export interface FineTuneOptions<T extends TrainingTask = TrainingTask>
  extends Omit<FineTuneSettings<T>, 'wasmUrl'>,
    Omit<SourceOptions, 'onProgress'> {
  /** Any source of a checkpoint with its tokenizer, of whichever head. */
  readonly model: Source;
  /** Receives the progress of the download, as `onProgress` of `from_pretrained`. */
  readonly onLoad?: SourceOptions['onProgress'];
  /** Receives the progress after each step. What it throws ends the training. */
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Receives each entry of the log: losses and evaluations. */
  readonly onLog?: (entry: LogEntry) => void;
  /** Whether it trains in a worker. Default: true in a page, false in Node. */
  readonly worker?: boolean;
  /** The kernels, and the worker's file; as for `from_pretrained`. */
  readonly wasmUrl?: string | URL;
  readonly workerUrl?: string | URL;
}

/** Milliseconds that a worker may be silent: a step of a large model on a slow device, or a batch of an evaluation. */
const PATIENCE_MS = 600_000;

/**
 * Fine-tunes a model on examples and returns its files.
 *
 * @throws ERR_INPUT for options and examples that do not fit, ERR_WORKER, ERR_ABORTED, and what `from_pretrained` throws
 */
export async function fineTune<T extends TrainingTask>(given: FineTuneOptions<T>): Promise<FineTuning> {
  const names = {
    ...SOURCE_OPTIONS,
    task: true,
    train_dataset: true,
    eval_dataset: true,
    args: true,
    threads: true,
    model: true,
    onLoad: true,
    onProgress: true,
    onLog: true,
    worker: true,
    wasmUrl: true,
    workerUrl: true,
  } as const;
  const options = checkOptions(given, names) as FineTuneOptions;
  const { task, train_dataset, eval_dataset, args, threads, model, onLoad, onProgress, onLog, worker } = options;
  const { signal, wasmUrl, workerUrl, ...reading } = options;
  throwIfAborted(signal);
  if (args?.output_dir !== undefined)
    throw mismatch(
      'ERR_INPUT',
      'output_dir',
      'no such argument for fineTune, which returns the files',
      args.output_dir,
    );
  if (worker !== undefined && typeof worker !== 'boolean')
    throw mismatch('ERR_INPUT', 'worker', 'true or false', worker);
  const settings: FineTuneSettings = {
    task,
    train_dataset,
    eval_dataset,
    args,
    threads,
    wasmUrl: codeUrl('wasmUrl', wasmUrl),
  };
  const source = await openSource(model, { ...sourceOptions(reading), signal, onProgress: onLoad });
  throwIfAborted(signal);
  if (!(worker ?? worksInWorker())) {
    return fineTuneHere({ source, readers: RARE_READERS }, settings, { onProgress, onLog, signal });
  }

  const served = new ServedSource(source, RARE_READERS, signal);
  /** What a caller's function threw: a worker sends back a likeness. */
  let thrown: { readonly error: unknown } | undefined;
  const told = (tell: ((value: never) => void) | undefined) => async (value: never) => {
    try {
      tell?.(value);
    } catch (error) {
      thrown = { error };
      throw error;
    }
    return {};
  };
  const link = new Link(
    codeUrl('workerUrl', workerUrl),
    { ...served.handlers, progress: told(onProgress), log: told(onLog), evaluating: told(undefined) },
    PATIENCE_MS,
    (url, _start, listener) => startTrainingWorker(url, { kind: 'training' }, listener),
  );
  // A training that is given up waits for nothing: its model is the worker's.
  const abort = () => link.end();
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) void abort();
  try {
    await link.ready();
    const request: SentRequest = { sourceName: source.name, settings };
    return await link.call<SentResult>('fineTune', request);
  } catch (error) {
    throwIfAborted(signal);
    if (thrown !== undefined) throw thrown.error;
    if ((error as Error).name === 'DataCloneError') {
      throw mismatch('ERR_INPUT', 'options', 'what can be sent to a worker', (error as Error).message);
    }
    throw served.fault ?? error;
  } finally {
    signal?.removeEventListener('abort', abort);
    await link.end();
    await served.close();
  }
}

/** The options that say how files are read. */
function sourceOptions(options: Omit<FineTuneOptions, 'signal' | 'wasmUrl' | 'workerUrl'>): SourceOptions {
  return Object.fromEntries(
    Object.keys(SOURCE_OPTIONS).flatMap((name) =>
      name === 'onProgress' || name === 'signal' || !Object.hasOwn(options, name)
        ? []
        : [[name, options[name as never]]],
    ),
  );
}
