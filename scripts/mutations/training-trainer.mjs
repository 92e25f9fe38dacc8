/** Faults of the trainer, its data and its metrics, each of one line that a careless hand might write; `tests` are the files that must fail. */
const DATA = ['test/training/data/dataset.test.ts'];
const TASKS = ['test/training/data/tasks.test.ts'];
const METRICS = ['test/training/metrics/metrics.test.ts'];
const TRAINER = ['test/training/trainer/trainer.test.ts'];
const RESUME = ['test/training/trainer/resume.test.ts'];
const LEARNED = ['test/training/trainer/tasks.test.ts'];
const ARGUMENTS = ['test/training/trainer/arguments.test.ts'];

const FURTHER = ['test/training/trainer/further.test.ts'];

/** @type {import('../run-mutations.mjs').Mutation[]} */
export const TRAINING_TRAINER = [
  {
    what: 'every piece of a word has its tag',
    file: 'src/training/tasks/token-classification.ts',
    search: 'word !== null && word !== before',
    replace: 'word !== null',
    tests: TASKS,
  },
  {
    what: 'an answer that a window cuts counts as whole',
    file: 'src/training/tasks/question-answering.ts',
    search: 'last[1] >= answer_end',
    replace: 'last[1] >= answer_start',
    tests: TASKS,
  },
  {
    what: 'all masked words become [MASK]',
    file: 'src/training/tasks/fill-mask.ts',
    search: 'if (kind < 0.8)',
    replace: 'if (kind < 1)',
    tests: TASKS,
  },
  {
    what: 'the scores of sentence pairs are taken for cosines as they are',
    file: 'src/training/tasks/sentence-similarity.ts',
    search: 'label / max_score',
    replace: 'label',
    tests: TASKS,
  },
  {
    what: 'numbers with a fraction are classes',
    file: 'src/training/data/labels.ts',
    search: 'return numbers && fraction ?',
    replace: 'return numbers && !fraction && fraction ?',
    tests: DATA,
  },
  {
    what: 'tags are sorted by their characters: B- of all kinds before I-',
    file: 'src/training/data/labels.ts',
    search: "`${tag.replace(/^[A-Z]-/, '')}\\0${tag}`",
    replace: 'tag',
    tests: DATA,
  },
  {
    what: 'a text of white space is a text',
    file: 'src/training/data/fields.ts',
    search:
      "if (typeof value === 'string' && value.trim() !== '') return value;\n  throw mismatch('ERR_INPUT', key, 'a text that is not empty', value);",
    replace:
      "if (typeof value === 'string' && value !== '') return value;\n  throw mismatch('ERR_INPUT', key, 'a text that is not empty', value);",
    tests: DATA,
  },
  {
    what: 'an entity of another kind continues the one before',
    file: 'src/training/metrics/entities.ts',
    search: "'BSO'.includes(next) || type !== nextType",
    replace: "'BSO'.includes(next)",
    tests: METRICS,
  },
  {
    what: 'equal values have the first of their ranks',
    file: 'src/training/metrics/correlation.ts',
    search: '(from + 1 + to) / 2',
    replace: 'from + 1',
    tests: METRICS,
  },
  {
    what: 'a word of an answer counts as often as it is predicted',
    file: 'src/training/metrics/squad.ts',
    search: 'left.set(word, count - 1);',
    replace: 'left.set(word, count);',
    tests: METRICS,
  },
  {
    what: 'macro F1 forgets classes that are only predicted',
    file: 'src/training/metrics/classification.ts',
    search: 'sum / counts.size',
    replace: 'sum / new Set(references).size',
    tests: METRICS,
  },
  {
    what: 'every epoch has the same order',
    file: 'src/training/trainer/run.ts',
    search: 'mix(mix(args.seed, DRAW_ORDER) >>> 0, epoch) >>> 0',
    replace: 'mix(args.seed, this.#train.steps) >>> 0',
    tests: RESUME,
  },
  {
    what: 'dropout is on although it was switched off',
    file: 'src/training/trainer/run.ts',
    search: 'args.dropout ? seedOf(DRAW_DROPOUT) : undefined',
    replace: 'seedOf(DRAW_DROPOUT)',
    tests: TRAINER,
  },
  {
    what: 'a resumed run skips the evaluation that was aborted',
    file: 'src/training/trainer/run.ts',
    search: 'if (state.settled_step === state.global_step) await this.#step();',
    replace: 'await this.#step();',
    tests: RESUME,
  },
  {
    what: 'the best model is the last one that was as good',
    file: 'src/training/trainer/run.ts',
    search: 'if (!(gain > 0)) return false;',
    replace: 'if (!(gain >= 0)) return false;',
    tests: TRAINER,
  },
  {
    what: 'early stopping does not count in a row',
    file: 'src/training/trainer/run.ts',
    search: 'gain > early_stopping_threshold ? 0',
    replace: 'gain > early_stopping_threshold ? state.early_stopping_patience_counter',
    tests: TRAINER,
  },
  {
    what: 'the weights of the checkpoint are not read',
    file: 'src/training/trainer/trainer.ts',
    search: 'await readWeights(this.model, directory, this.#options.signal);',
    replace: 'void readWeights;',
    tests: RESUME,
  },
  {
    what: 'the best checkpoint is removed as an old one',
    file: 'src/training/trainer/checkpoints.ts',
    search: ' && other !== kept',
    replace: '',
    tests: RESUME,
  },
  {
    what: 'a checkpoint has its name before it is whole',
    file: 'src/platform/node/directories.ts',
    search: 'await write(fresh);\n    await syncFiles(fresh);',
    replace: 'await write(path);\n    await rename(path, fresh);',
    tests: RESUME,
  },
  {
    what: 'another batch size continues a run',
    file: 'src/training/trainer/state.ts',
    search: 'if (found !== value) {',
    replace: "if (found !== value && name !== 'examples_per_step') {",
    tests: RESUME,
  },
  {
    what: 'the names of the labels stay behind',
    file: 'src/training/trainer/open.ts',
    search: 'const values = { ...config(dataset),',
    replace: 'const values = { num_labels: dataset.labels?.length,',
    tests: LEARNED,
  },
  {
    what: 'a classifier that is trained further has its labels in another order',
    file: 'src/training/trainer/open.ts',
    search: '...(labels !== undefined && sameLabels && labelConfig(before as string[]))',
    replace: '',
    tests: FURTHER,
  },
  {
    what: 'a head of other labels is kept',
    file: 'src/model/parameters/match.ts',
    search: '(made !== architecture || !newHead.sameLabels)',
    replace: 'made !== architecture',
    tests: FURTHER,
  },
  {
    what: 'what is not a number is the best',
    file: 'src/training/trainer/run.ts',
    search: 'const gain = Number.isNaN(value)',
    replace: 'const gain = Number.isNaN(best_metric)',
    tests: FURTHER,
  },
  {
    what: 'a run is resumed with other examples',
    file: 'src/training/trainer/state.ts',
    search: 'before?.data !== course.data ||',
    replace: 'before === undefined ||',
    tests: FURTHER,
  },
  {
    what: 'a head for another number of labels is refused',
    file: 'src/model/parameters/match.ts',
    search: 'fault !== undefined && newHead !== undefined &&',
    replace: 'fault === undefined && newHead !== undefined &&',
    tests: LEARNED,
  },
  {
    what: 'the tokenizer stays behind',
    file: 'src/training/trainer/model-files.ts',
    search: 'of await AlbertTokenizer.filesOf(tokenizer)) files.set(name, bytes);',
    replace: 'of await AlbertTokenizer.filesOf(tokenizer)) if (bytes.length === 0) files.set(name, bytes);',
    tests: LEARNED,
  },
  {
    what: 'a ratio of steps is rounded down',
    file: 'src/training/trainer/optimizer.ts',
    search: 'Math.ceil(total_steps * warmup_ratio)',
    replace: 'Math.floor(total_steps * warmup_ratio)',
    tests: ARGUMENTS,
  },
  {
    what: 'a best model that is gone is missed only when training ends',
    file: 'src/training/trainer/trainer.ts',
    search: 'if (this.args.load_best_model_at_end && state.best_global_step !== null) {',
    replace: 'if (state.best_global_step === -1) {',
    tests: RESUME,
  },
  {
    what: 'a metric is missed only after the first evaluation',
    file: 'src/training/trainer/evaluation.ts',
    search: "if (names.includes(name.replace(/^eval_/, ''))) return;",
    replace: 'if (names.length > 0) return;',
    tests: TRAINER,
  },
  {
    what: 'a single class is trained',
    file: 'src/training/trainer/open.ts',
    search: 'labels.length >= least',
    replace: 'labels.length >= 0',
    tests: LEARNED,
  },
  {
    what: 'pairs are evaluated on a scale of their own',
    file: 'src/training/trainer/trainer-examples.ts',
    search: "name === 'train_dataset' ? dataset : await this.#learned()",
    replace: 'await Promise.resolve(dataset)',
    tests: LEARNED,
  },
];
