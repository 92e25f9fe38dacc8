/** All heads in training, by the class of FlaxAlbert that has each. */
import type { Architecture } from '../../../model/architecture.js';
import type { TrainingHead } from '../head.js';
import { maskedLM } from './language-modeling.js';
import { model } from './model.js';
import { multipleChoice } from './multiple-choice.js';
import { preTraining } from './pretraining.js';
import { questionAnswering } from './question-answering.js';
import { sequenceClassification } from './sequence-classification.js';
import { tokenClassification } from './token-classification.js';

export const TRAINING_HEADS = {
  AlbertModel: model,
  AlbertForPreTraining: preTraining,
  AlbertForMaskedLM: maskedLM,
  AlbertForSequenceClassification: sequenceClassification,
  AlbertForMultipleChoice: multipleChoice,
  AlbertForTokenClassification: tokenClassification,
  AlbertForQuestionAnswering: questionAnswering,
} as unknown as Readonly<Record<Architecture, TrainingHead>>;
