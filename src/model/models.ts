/** FlaxAlbert's classes: the body with each of the heads. */
import { AlbertPreTrainedModel } from './albert.js';
import type { Architecture } from './architecture.js';
import type { MaskedLMOutput } from './network/heads/masked-lm.js';
import type { AlbertModelOutput } from './network/heads/model.js';
import type { MultipleChoiceOutput } from './network/heads/multiple-choice.js';
import type { PreTrainingOutput } from './network/heads/pretraining.js';
import type { QuestionAnsweringOutput } from './network/heads/question-answering.js';
import type { SequenceClassificationOutput } from './network/heads/sequence-classification.js';
import type { TokenClassificationOutput } from './network/heads/token-classification.js';

export type { MaskedLMOutput } from './network/heads/masked-lm.js';
export type { AlbertModelOutput } from './network/heads/model.js';
export type { MultipleChoiceOutput } from './network/heads/multiple-choice.js';
export type { PreTrainingOutput } from './network/heads/pretraining.js';
export type { QuestionAnsweringOutput } from './network/heads/question-answering.js';
export type { SequenceClassificationOutput } from './network/heads/sequence-classification.js';
export type { TokenClassificationOutput } from './network/heads/token-classification.js';

/** The bare body: its hidden states and its pooler. */
export class AlbertModel extends AlbertPreTrainedModel<AlbertModelOutput> {
  static readonly architecture: Architecture = 'AlbertModel';
}

/** Masked words and sentence order together. */
export class AlbertForPreTraining extends AlbertPreTrainedModel<PreTrainingOutput> {
  static readonly architecture: Architecture = 'AlbertForPreTraining';
}

/** A logit for each word at each position. */
export class AlbertForMaskedLM extends AlbertPreTrainedModel<MaskedLMOutput> {
  static readonly architecture: Architecture = 'AlbertForMaskedLM';
}

/** A logit for each label of a sequence. */
export class AlbertForSequenceClassification extends AlbertPreTrainedModel<SequenceClassificationOutput> {
  static readonly architecture: Architecture = 'AlbertForSequenceClassification';
}

/** One logit for each choice of an example. */
export class AlbertForMultipleChoice extends AlbertPreTrainedModel<MultipleChoiceOutput> {
  static readonly architecture: Architecture = 'AlbertForMultipleChoice';
}

/** A logit for each label of each token. */
export class AlbertForTokenClassification extends AlbertPreTrainedModel<TokenClassificationOutput> {
  static readonly architecture: Architecture = 'AlbertForTokenClassification';
}

/** For each token, a logit as the answer's start and one as its end. */
export class AlbertForQuestionAnswering extends AlbertPreTrainedModel<QuestionAnsweringOutput> {
  static readonly architecture: Architecture = 'AlbertForQuestionAnswering';
}
