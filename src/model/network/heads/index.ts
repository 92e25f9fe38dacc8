/** All heads, by the class of FlaxAlbert that has each. */
import type { Architecture } from '../../architecture.js';
import type { Head } from '../head.js';
import { maskedLM } from './masked-lm.js';
import { model } from './model.js';
import { multipleChoice } from './multiple-choice.js';
import { preTraining } from './pretraining.js';
import { questionAnswering } from './question-answering.js';
import { sequenceClassification } from './sequence-classification.js';
import { tokenClassification } from './token-classification.js';

export const HEADS: Readonly<Record<Architecture, Head>> = {
  AlbertModel: model,
  AlbertForPreTraining: preTraining,
  AlbertForMaskedLM: maskedLM,
  AlbertForSequenceClassification: sequenceClassification,
  AlbertForMultipleChoice: multipleChoice,
  AlbertForTokenClassification: tokenClassification,
  AlbertForQuestionAnswering: questionAnswering,
};
