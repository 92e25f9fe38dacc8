/** From a task's name to its pipeline. */

import { reading } from '../ground/checks.js';
import { mismatch } from '../ground/errors.js';
import { checkOptions } from '../ground/options.js';
import { type OpenedSource, openSource, type Source } from '../ground/source.js';
import { asOneLoad } from '../ground/source-options.js';
import { checkInitOptions, OPTIONS_ELSEWHERE } from '../model/options.js';
import { checkTokenizerOptions } from '../tokenizer/tokenizer.js';
import {
  ALBERT_MINI_EN,
  ALBERT_MINI_EN_NER,
  ALBERT_MINI_EN_SST2,
  ALBERT_MINI_EN_STS,
  embeddedModel,
} from './embedded.js';
import type { FeatureExtractionPipeline } from './feature-extraction.js';
import type { FillMaskPipeline } from './fill-mask.js';
import type { MultipleChoicePipeline } from './multiple-choice.js';
import { PIPELINE_OPTIONS, type PipelineOptions } from './pipeline.js';
import type { QuestionAnsweringPipeline } from './question-answering.js';
import type { SentenceOrderPipeline } from './sentence-order.js';
import type { SentenceSimilarityPipeline } from './sentence-similarity.js';
import { type TextClassificationPipeline, textClassification } from './text-classification.js';
import type { TokenClassificationPipeline } from './token-classification.js';
import type { ZeroShotClassificationPipeline } from './zero-shot-classification.js';

/** The pipeline of each task. */
export interface Pipelines {
  'text-classification': TextClassificationPipeline;
  'sentiment-analysis': TextClassificationPipeline;
  'token-classification': TokenClassificationPipeline;
  ner: TokenClassificationPipeline;
  'question-answering': QuestionAnsweringPipeline;
  'multiple-choice': MultipleChoicePipeline;
  'fill-mask': FillMaskPipeline;
  'feature-extraction': FeatureExtractionPipeline;
  'sentence-similarity': SentenceSimilarityPipeline;
  'sentence-order': SentenceOrderPipeline;
  'zero-shot-classification': ZeroShotClassificationPipeline;
}

/** The name of a task; two have a second name. */
export type Task = keyof Pipelines;

type Open<P> = (source: OpenedSource, options: PipelineOptions) => Promise<P>;

/** What a page that classifies does not need is loaded on demand. */
const later =
  <P>(load: () => Promise<Open<P>>): Open<P> =>
  async (source, options) =>
    (await load())(source, options);

const tokenClassification = later(async () => (await import('./token-classification.js')).tokenClassification);

/** Each task's loader, and the package of the small model that it uses without a source, if there is one. */
const TASKS: { [T in Task]: { open: Open<Pipelines[T]>; embedded?: string } } = {
  'text-classification': { open: textClassification, embedded: ALBERT_MINI_EN_SST2 },
  'sentiment-analysis': { open: textClassification, embedded: ALBERT_MINI_EN_SST2 },
  'token-classification': { open: tokenClassification, embedded: ALBERT_MINI_EN_NER },
  ner: { open: tokenClassification, embedded: ALBERT_MINI_EN_NER },
  'question-answering': { open: later(async () => (await import('./question-answering.js')).questionAnswering) },
  'multiple-choice': { open: later(async () => (await import('./multiple-choice.js')).multipleChoice) },
  'fill-mask': { open: later(async () => (await import('./fill-mask.js')).fillMask), embedded: ALBERT_MINI_EN },
  'feature-extraction': {
    open: later(async () => (await import('./feature-extraction.js')).featureExtraction),
    embedded: ALBERT_MINI_EN_STS,
  },
  'sentence-similarity': {
    open: later(async () => (await import('./sentence-similarity.js')).sentenceSimilarity),
    embedded: ALBERT_MINI_EN_STS,
  },
  'sentence-order': {
    open: later(async () => (await import('./sentence-order.js')).sentenceOrder),
    embedded: ALBERT_MINI_EN,
  },
  'zero-shot-classification': {
    open: later(async () => (await import('./zero-shot-classification.js')).zeroShotClassification),
  },
};

/** Whether options were passed as the source: no file has the name of an option. */
function isOptions(source: Source | undefined): boolean {
  if (typeof source !== 'object' || source === null) return false;
  const keys = reading('source', () => Object.keys(source));
  return keys.length > 0 && keys.every((key) => Object.hasOwn(PIPELINE_OPTIONS, key));
}

/**
 * Loads a model with its tokenizer for a task.
 *
 * @param source a directory, a URL, a Hub id, or files; default, in Node: a small English model, if its package is installed, for
 *   the tasks that it was trained for
 * @throws ERR_INPUT for an unknown task, or for no source if the task has no small model; ERR_SOURCE if the small model's
 *   package is not installed; what `from_pretrained` of models and tokenizers throws
 */
export async function pipeline<T extends Task>(
  task: T,
  source?: Source,
  options?: PipelineOptions,
): Promise<Pipelines[T]> {
  if (typeof task !== 'string' || !Object.hasOwn(TASKS, task))
    throw mismatch('ERR_INPUT', 'task', Object.keys(TASKS).join(', '), task);
  const { open, embedded } = TASKS[task];
  const checked = asOneLoad(checkOptions(options, PIPELINE_OPTIONS, OPTIONS_ELSEWHERE), { weights: true });
  if (source === undefined && embedded === undefined) {
    throw mismatch('ERR_INPUT', 'source', `a checkpoint for ${task}, as there is no small one for it`, source);
  }
  if (isOptions(source)) {
    throw mismatch('ERR_INPUT', 'source', 'a source before the options, or undefined for the small model', source);
  }
  const from = source === undefined ? embeddedModel(embedded as string, task) : source;
  // Opened once, for model and tokenizer: a push to the Hub must not come between the two.
  checkInitOptions(checked);
  checkTokenizerOptions(checked);
  return open(await openSource(from, checked), checked);
}
