/** albert-wasm: ALBERT on WebAssembly SIMD. */

export { type Conversion, type ConvertOptions, convert } from '../convert.js';
export { AlbertError, type AlbertErrorCode } from '../ground/errors.js';
export type { ModelFiles, Source } from '../ground/source.js';
export type { LoadProgress, OverallProgress, SourceOptions } from '../ground/source-options.js';
export { type NestedNumbers, Tensor, type TensorData, type TensorDtype } from '../ground/tensor.js';
export type { AlbertPreTrainedModel } from '../model/albert.js';
export type { AlbertConfig } from '../model/config.js';
export type { AlbertInputs, IntegerInput, ShapedIntegers } from '../model/inputs.js';
export * from '../model/models.js';
export type {
  CheckpointInfo,
  CommonOutput,
  FieldArray,
  ForwardOptions,
  InitOptions,
  LoadOptions,
  LoadReport,
  ModelInfo,
  Params,
  SaveOptions,
} from '../model/options.js';
export type { EmbeddingInfo, EmbeddingOptions, Pooling, PoolingName } from '../pipelines/embedder.js';
export { type Embedding, type RankedEmbedding, rankEmbeddings } from '../pipelines/embedding.js';
export type { FeatureExtractionOptions, FeatureExtractionPipeline } from '../pipelines/feature-extraction.js';
export type { FilledMask, FilledText, FillMaskOptions, FillMaskPipeline } from '../pipelines/fill-mask.js';
export { type Pipelines, pipeline, type Task } from '../pipelines/index.js';
export type { CallOptions } from '../pipelines/jobs.js';
export type {
  ChoicesInput,
  MultipleChoiceOptions,
  MultipleChoicePipeline,
  ScoredChoice,
} from '../pipelines/multiple-choice.js';
export type { Pipeline, PipelineOptions } from '../pipelines/pipeline.js';
export type {
  QuestionAnswer,
  QuestionAnsweringOptions,
  QuestionAnsweringPipeline,
  QuestionAnswers,
  QuestionInput,
} from '../pipelines/question-answering.js';
export type { OrderInput, SentenceOrder, SentenceOrderPipeline } from '../pipelines/sentence-order.js';
export type {
  SentenceSimilarityOptions,
  SentenceSimilarityPipeline,
  SentencesInput,
} from '../pipelines/sentence-similarity.js';
export type {
  LabelScore,
  ScoreFunction,
  TextClassificationOptions,
  TextClassificationPipeline,
  TextPair,
} from '../pipelines/text-classification.js';
export type { TextOptions, WindowOptions } from '../pipelines/texts.js';
export type {
  AggregationStrategy,
  EntityGroup,
  TokenClassificationOptions,
  TokenClassificationPipeline,
  TokenEntity,
  WordEntity,
} from '../pipelines/token-classification.js';
export type {
  ZeroShotClassification,
  ZeroShotClassificationOptions,
  ZeroShotClassificationPipeline,
} from '../pipelines/zero-shot-classification.js';
export {
  AlbertTokenizer,
  type EncodeOptions,
  type Encoding,
  stackEncodings,
  type TextInput,
  type TokenizerOptions,
  type TruncationStrategy,
  type WordsInput,
} from '../tokenizer/tokenizer.js';
