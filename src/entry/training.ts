/** albert-wasm/training: fine-tuning. */

export { AlbertError, type AlbertErrorCode } from '../ground/errors.js';
export type { PipelineOptions } from '../pipelines/pipeline.js';
export { Dataset, type DatasetOptions, type DatasetSource, loadDataset } from '../training/data/dataset.js';
export type {
  Answer,
  AnsweredQuestion,
  ChoiceExample,
  PlainExample,
  QuestionExample,
  ReadExamples,
  SimilarityExample,
  TaggedExample,
  TaskExamples,
  TextExample,
  TrainingTask,
} from '../training/data/examples.js';
export type { Label } from '../training/data/fields.js';
export type { ProblemType } from '../training/data/labels.js';
export type { DataFormat } from '../training/data/rows.js';
export { type FineTuneOptions, fineTune } from '../training/fine-tune.js';
export type { FineTuning } from '../training/fine-tune-here.js';
export type { SentencePairs, TrainingInputs } from '../training/inputs.js';
export type { LabelValues } from '../training/label-values.js';
export type { Labels } from '../training/labels.js';
export { accuracy, macroF1 } from '../training/metrics/classification.js';
export { meanSquaredError, pearson, spearman } from '../training/metrics/correlation.js';
export { type EntityScores, entityScores } from '../training/metrics/entities.js';
export { type AnswerScores, answerScores } from '../training/metrics/squad.js';
export { adamw, lamb, type Optimizer, type OptimizerOptions, type OptimizerSettings } from '../training/optimizers.js';
export {
  constantSchedule,
  cosineSchedule,
  linearSchedule,
  type Schedule,
  type ScheduleOptions,
} from '../training/schedules.js';
export { type StepOptions, type StepResult, TrainState, type TrainStateOptions } from '../training/state.js';
export type { IntervalStrategy, ResolvedArguments, TrainingArguments } from '../training/trainer/arguments.js';
export type { ComputeMetrics, EvalPrediction } from '../training/trainer/evaluation.js';
export {
  loadForEvaluation,
  loadForTraining,
  type TrainableModel,
  type TrainingLoadOptions,
} from '../training/trainer/load.js';
export type { TrainingProgress } from '../training/trainer/progress.js';
export type { LogEntry, TrainerState } from '../training/trainer/state.js';
export { Trainer } from '../training/trainer/trainer.js';
export type { TrainerOptions, TrainOutput } from '../training/trainer/trainer-options.js';
export { type GradientOptions, type ValueAndGrad, valueAndGrad } from '../training/value-and-grad.js';
