/** A whole fine-tuning on this thread: from a source and examples to the files of the trained model. */
import { mismatch } from '../ground/errors.js';
import type { ModelInfo } from '../model/options.js';
import { AlbertTokenizer } from '../tokenizer/tokenizer.js';
import { loadDataset } from './data/dataset.js';
import type { TaskExamples, TrainingTask } from './data/examples.js';
import { resolveArguments, type TrainingArguments } from './trainer/arguments.js';
import { loadOpened, type TrainingOrigin } from './trainer/open.js';
import type { TrainingProgress } from './trainer/progress.js';
import type { LogEntry } from './trainer/state.js';
import { Trainer } from './trainer/trainer.js';

/** What is learned, and how. All of it can be sent to a worker. */
export interface FineTuneSettings<T extends TrainingTask = TrainingTask> {
  readonly task: T;
  readonly train_dataset: readonly TaskExamples[T][];
  /** What the model is evaluated with. Default: nothing. */
  readonly eval_dataset?: readonly TaskExamples[T][];
  /** As for `Trainer`, without what needs files: `output_dir`. */
  readonly args?: TrainingArguments;
  /** Threads that compute, or `auto`. Default: 1. */
  readonly threads?: number | 'auto';
  /** The kernels; as for `from_pretrained`. */
  readonly wasmUrl?: string;
}

/** What a fine-tuning gives. */
export interface FineTuning {
  /** The trained model and its tokenizer, as `pipeline` and `from_pretrained` take them. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly log_history: readonly LogEntry[];
  /** Of the last evaluation, with `eval_` before each name; empty without `eval_dataset`. */
  readonly metrics: Readonly<Record<string, number>>;
  /** What the model was trained with. */
  readonly info: ModelInfo;
}

/** Who is told. */
export interface FineTuneEvents {
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
  readonly onLog?: ((entry: LogEntry) => void) | undefined;
  /** Receives a call after each batch of an evaluation. */
  readonly onEvaluation?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws what `Trainer`, `loadDataset` and `from_pretrained` throw */
export async function fineTuneHere(
  origin: TrainingOrigin,
  { task, train_dataset, eval_dataset, args = {}, threads, wasmUrl }: FineTuneSettings,
  { onProgress, onLog, onEvaluation, signal }: FineTuneEvents,
): Promise<FineTuning> {
  // A wrong argument is told before anything is loaded.
  resolveArguments(args);
  for (const [name, examples] of Object.entries({ train_dataset, eval_dataset })) {
    if (name === 'eval_dataset' && examples === undefined) continue;
    if (!Array.isArray(examples))
      throw mismatch('ERR_INPUT', name, 'an array of examples; of a dataset, its `examples`', examples);
  }
  const train = await loadDataset(task, train_dataset, { name: 'train_dataset' });
  const { problem_type } = train;
  const evaluated = eval_dataset && (await loadDataset(task, eval_dataset, { name: 'eval_dataset', problem_type }));
  const tokenizer = await AlbertTokenizer.from_opened(origin.source, signal);
  const model = await loadOpened(origin, train, { threads, wasmUrl, signal, seed: args.seed });
  try {
    const trainer = new Trainer({
      model,
      tokenizer,
      args,
      train_dataset: train,
      eval_dataset: evaluated,
      onProgress,
      onLog,
      onEvaluation,
      signal,
    });
    await trainer.train();
    const metrics = evaluated === undefined ? {} : (evaluationOf(trainer) ?? (await trainer.evaluate()));
    const files = Object.fromEntries(await trainer.files());
    return { files, log_history: trainer.state.log_history, metrics, info: model.info() };
  } finally {
    await model.dispose();
  }
}

/** What the log has of the model that training has ended with. */
function evaluationOf({ args, state }: Trainer): Record<string, number> | undefined {
  const { global_step, best_global_step, log_history } = state;
  const last = args.load_best_model_at_end ? (best_global_step ?? global_step) : global_step;
  const found = log_history.find((entry) => entry.step === last && entry.eval_loss !== undefined);
  if (found === undefined) return undefined;
  const { step: _step, epoch: _epoch, ...metrics } = found;
  return metrics;
}
