/** `train`: a model of one's own, from examples. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { checkWritable, listDirectories, removeDirectory } from '#platform';
import { AlbertError } from '../../entry/index.js';
import type { ProblemType, Trainer, TrainingArguments } from '../../entry/training.js';
import { complain } from '../complain.js';
import { withOptionNames } from '../option-names.js';
import {
  loadingOf,
  type ModelOptions,
  parseCount,
  parseStride,
  parseThreads,
  tellWhyNotWide,
  wideOption,
  withBar,
  withSource,
} from '../options.js';
import { smallModel } from '../small-models.js';
import {
  type DataOptions,
  LENGTH_HELP,
  loadTraining,
  parsePositive,
  readExamples,
  withExamples,
} from '../training-data.js';
import { TrainingLog, TrainingScreen } from '../training-log.js';
import { usageError } from '../usage.js';

interface Options extends DataOptions, Omit<ModelOptions, 'dtype'> {
  readonly train: string;
  readonly problemType?: ProblemType;
  readonly eval?: string;
  readonly out: string;
  readonly resume?: boolean;
  readonly force?: boolean;
  readonly epochs: number;
  readonly maxSteps?: number;
  readonly batchSize: number;
  readonly accumulate: number;
  readonly learningRate: number;
  readonly schedule: 'linear' | 'cosine' | 'constant_with_warmup';
  readonly warmupRatio: number;
  readonly weightDecay: number;
  readonly labelSmoothing: number;
  readonly optimizer: 'adamw' | 'lamb';
  readonly dropout: boolean;
  readonly freeze?: 'embeddings' | 'encoder';
  readonly seed: number;
  readonly evalSteps?: number;
  readonly saveSteps?: number;
  readonly keep: number;
  readonly best?: string;
  readonly patience?: number;
  readonly recompute?: boolean;
  readonly maxMemory?: number;
}

const DEFAULT_MODEL = '@albert-wasm/albert-mini-en';
const WEIGHTS = ['model.safetensors', 'model.safetensors.index.json', 'flax_model.msgpack', 'pytorch_model.bin'];

export function addTrain(program: Command): void {
  const command = program.command('train').description('train a model on examples of your own');
  withSource(withExamples(command), `the model to begin with; default: ${DEFAULT_MODEL}, if it is installed`, false)
    .requiredOption(
      '--train <file>',
      'examples to learn from: JSON lines, or CSV or TSV with a header; - reads standard input',
    )
    .addOption(
      new Option(
        '--problem-type <type>',
        'whether the labels of texts are values, one class or several; default: numbers are values if one has a fraction, a list is several classes, anything else is one class',
      ).choices(['regression', 'single_label_classification', 'multi_label_classification']),
    )
    .option('--eval <file>', 'examples to evaluate the model on, after each epoch')
    .requiredOption('--out <directory>', 'where the model, its checkpoints, metrics.jsonl and training.svg are written')
    .option('--resume', 'go on from the last checkpoint in --out')
    .option('--force', 'overwrite the model in --out, and remove its checkpoints')
    .option('--epochs <n>', 'passes over the examples', parsePositive, 3)
    .option('--max-steps <n>', 'steps to make, instead of --epochs', parseCount)
    .option('--batch-size <n>', 'examples per batch', parseCount, 32)
    .option('--accumulate <n>', 'batches per step', parseCount, 1)
    .option(
      '--learning-rate <rate>',
      'the learning rate after its warm-up; large models need a lower one, such as 3e-5',
      parsePositive,
      1e-4,
    )
    .addOption(
      new Option('--schedule <name>', 'how the learning rate falls after its warm-up')
        .choices(['linear', 'cosine', 'constant_with_warmup'])
        .default('linear'),
    )
    .option('--warmup-ratio <share>', 'the share of the steps in which the learning rate rises from 0', parseShare, 0.1)
    .option('--weight-decay <rate>', 'how fast weights shrink, as a share of the learning rate', parseShare, 0.01)
    .option('--label-smoothing <share>', 'the share of each label that is spread over all classes', parseShare, 0)
    .addOption(new Option('--optimizer <name>', 'the optimiser').choices(['adamw', 'lamb']).default('adamw'))
    .option('--no-dropout', "train without dropout; default: with the model's rates")
    .addOption(
      new Option('--freeze <part>', 'a part that is not trained; with encoder, neither are the embeddings').choices([
        'embeddings',
        'encoder',
      ]),
    )
    .option('--seed <n>', 'the seed of a new head, the order of the examples, dropout and masks', parseStride, 42)
    .option('--max-length <n>', LENGTH_HELP, parseCount)
    .option('--eval-steps <n>', 'evaluate after every n steps instead of each epoch', parseCount)
    .option('--save-steps <n>', 'write a checkpoint after every n steps instead of each epoch', parseCount)
    .option('--keep <n>', 'the most checkpoints to keep; the best one always stays', parseCount, 2)
    .option('--best <metric>', 'end with the model of the best evaluation, by a metric such as accuracy, f1 or loss')
    .option('--patience <n>', 'stop after n evaluations in a row that were no better', parseCount)
    .option('--threads <n>', 'threads that compute, or auto', parseThreads, 1)
    .addOption(wideOption())
    .option('--recompute', 'compute layers again in the backward pass, to save memory; default: if memory is short')
    .option('--no-recompute', 'keep the activations of all layers')
    .option(
      '--max-memory <MiB>',
      'the most memory for weights, gradients, moments and activations; default: 512',
      parseCount,
    )
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm train --train questions.csv --out my-model        columns text and label; labels are found in the file
  $ albert-wasm train --train train.csv --eval dev.csv --column text=review --column label=stars --out my-model
  $ albert-wasm train --task token-classification --train ner.jsonl --eval dev.jsonl --best f1 --out my-ner
  $ albert-wasm train --task sentence-similarity --train pairs.tsv --model owner/name --learning-rate 3e-5 --out my-sts
  $ albert-wasm train --train train.jsonl --out my-model --resume    after Ctrl+C, a crash, or with more --epochs
  $ albert-wasm classify --model my-model "Where is Denver?"         the directory is a model like any other

Lines of JSON have these keys, and a CSV these columns:
  text-classification   {"text", "label"}, also "text_pair"; a list of labels if several apply; numbers such as 3.5 are values;
                        whole numbers are classes, or values with --problem-type regression
  token-classification  {"tokens": ["Clara", "left"], "tags": ["B-PER", "O"]}
  question-answering    {"question", "context", "answers": [{"text", "answer_start"}]}, as SQuAD
  multiple-choice       {"prompt", "choices": ["…", "…"], "label": 0}
  sentence-similarity   {"sentence1", "sentence2", "label"}: a higher label means more alike; without labels and other
                        columns, all pairs mean the same
  fill-mask             {"text"}`,
    )
    .action((options: Options) => withOptionNames(() => train(options)));
}

async function train(options: Options): Promise<void> {
  const { out, resume = false, force = false } = options;
  if (options.eval === undefined && (options.best !== undefined || options.patience !== undefined)) {
    throw usageError('--best and --patience compare evaluations: they need --eval');
  }
  if (options.train === '-' && options.eval === '-')
    throw usageError('only one of --train and --eval can be standard input');
  await checkWritable(out);
  const taken = WEIGHTS.find((name) => existsSync(join(out, name)));
  if (taken !== undefined && !force && !resume) {
    throw new AlbertError('ERR_SOURCE', `there is a ${taken} in ${out}: --force overwrites it`);
  }
  const checkpoints = (await listDirectories(out)).filter((name) => /^checkpoint-\d+$/.test(name));
  if (checkpoints.length > 0 && !resume) {
    if (!force) {
      const names = checkpoints.slice(0, 3).join(', ');
      throw new AlbertError(
        'ERR_SOURCE',
        `there are ${names} in ${out}: --resume goes on from the last one, --force removes them`,
      );
    }
    // Of another training: the last one would be taken for this one's.
    for (const name of checkpoints) await removeDirectory(join(out, name));
  }
  const { loadForTraining, Trainer } = await loadTraining();
  const train_dataset = await readExamples(options.train, options, { problem_type: options.problemType });
  // The kind of the labels is that of the examples to learn from; so is their scale, by the trainer.
  const { problem_type } = train_dataset;
  const learned = { problem_type, max_score: undefined };
  const eval_dataset = options.eval === undefined ? undefined : await readExamples(options.eval, options, learned);
  const source = options.model ?? smallModel(DEFAULT_MODEL);
  if (source === undefined) throw usageError(`give a --model to begin with, or install ${DEFAULT_MODEL}`);
  const { dtype: _, ...loading } = loadingOf(options);
  const { seed } = options;
  const maxMemoryBytes = options.maxMemory === undefined ? undefined : options.maxMemory * 2 ** 20;
  const { model, tokenizer } = await withBar((onProgress) =>
    loadForTraining(source, train_dataset, { ...loading, seed, maxMemoryBytes, onProgress }),
  );
  tellWhyNotWide(model.info());
  const controller = new AbortController();
  const stop = () => {
    unwatch();
    controller.abort();
  };
  const unwatch = () => process.off('SIGINT', stop).off('SIGTERM', stop);
  // A second Ctrl+C ends the program at once.
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const screen = new TrainingScreen();
  let steps = 0;
  try {
    const trainer: Trainer = new Trainer({
      model,
      tokenizer,
      train_dataset,
      ...(eval_dataset !== undefined && { eval_dataset }),
      args: argumentsOf(options, maxMemoryBytes),
      onProgress(progress) {
        steps++;
        screen.show(progress);
      },
      onEvaluation: ({ done, total }) => screen.line(done / total, `evaluating ${done} of ${total}`),
      onLog: (entry) => logs.push(entry),
      signal: controller.signal,
    });
    const logs = new TrainingLog(trainer, options, screen);
    await trainer
      .train({ resume_from_checkpoint: resume })
      .catch((error) => stopped(error, controller.signal, trainer, logs));
    if (process.exitCode === undefined) {
      if (steps === 0) complain(finished(trainer));
      await trainer.save_model(out);
      await logs.end();
    }
    tellWhyNotWide(model.info());
  } finally {
    screen.clear();
    unwatch();
    await model.dispose();
  }
}

/** What a resumed training says that was finished already. */
function finished({ state: { global_step, max_steps } }: Trainer): string {
  return global_step < max_steps
    ? `this training is finished: --patience ended it after step ${global_step}`
    : `this training is finished, after step ${global_step}; larger --epochs or --max-steps continue it`;
}

/** What Ctrl+C leaves: a checkpoint, and how to go on from it. */
async function stopped(error: unknown, signal: AbortSignal, trainer: Trainer, logs: TrainingLog): Promise<void> {
  if (!signal.aborted || !(error instanceof AlbertError) || error.code !== 'ERR_ABORTED') throw error;
  const { global_step } = trainer.state;
  if (global_step > 0) await logs.stop();
  // A token is no matter for a screen or a log; HF_TOKEN has it too.
  const isToken = (word: string | undefined) => word === '--token';
  const words = process.argv
    .slice(2)
    .filter((word, i, all) => word !== '--resume' && !/^--token(=|$)/.test(word) && !isToken(all[i - 1]));
  const again = [...words, '--resume'].map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  complain(
    global_step === 0
      ? 'stopped before the first step: nothing was written'
      : `stopped after step ${global_step}, which has a checkpoint; go on with:\nalbert-wasm ${again.join(' ')}`,
  );
  process.exitCode = 130;
}

function argumentsOf(options: Options, maxMemoryBytes: number | undefined): TrainingArguments {
  const { evalSteps, saveSteps, maxSteps, best, patience, freeze, recompute, maxLength } = options;
  const evaluates = options.eval !== undefined;
  return {
    output_dir: options.out,
    num_train_epochs: options.epochs,
    ...(maxSteps !== undefined && { max_steps: maxSteps }),
    per_device_train_batch_size: options.batchSize,
    per_device_eval_batch_size: 32,
    gradient_accumulation_steps: options.accumulate,
    learning_rate: options.learningRate,
    lr_scheduler_type: options.schedule,
    warmup_ratio: options.warmupRatio,
    weight_decay: options.weightDecay,
    adam_epsilon: 1e-6,
    label_smoothing_factor: options.labelSmoothing,
    optim: options.optimizer === 'lamb' ? 'lamb' : 'adamw_torch',
    dropout: options.dropout,
    seed: options.seed,
    logging_steps: 10,
    eval_strategy: !evaluates ? 'no' : evalSteps === undefined ? 'epoch' : 'steps',
    ...(evalSteps !== undefined && { eval_steps: evalSteps }),
    save_strategy: saveSteps === undefined ? 'epoch' : 'steps',
    ...(saveSteps !== undefined && { save_steps: saveSteps }),
    save_total_limit: options.keep,
    ...(best !== undefined && { load_best_model_at_end: true, metric_for_best_model: best }),
    ...(patience !== undefined && { early_stopping_patience: patience }),
    ...(freeze !== undefined && { freeze }),
    ...(recompute !== undefined && { recompute }),
    ...(maxMemoryBytes !== undefined && { maxMemoryBytes }),
    ...(maxLength !== undefined && { max_seq_length: maxLength }),
  };
}

function parseShare(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number < 1))
    throw new InvalidArgumentError('expected a number from 0 to below 1.');
  return number;
}
