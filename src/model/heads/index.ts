/** All heads, by the class of FlaxAlbert that has each: the name that a checkpoint's `architectures` gives. */
import type { Head } from '../head.js';
import { maskedLM } from './masked-lm.js';
import { model } from './model.js';
import { multipleChoice } from './multiple-choice.js';
import { preTraining } from './pretraining.js';
import { questionAnswering } from './question-answering.js';
import { sequenceClassification } from './sequence-classification.js';
import { tokenClassification } from './token-classification.js';

export const HEADS = {
  AlbertModel: model as Head,
  AlbertForPreTraining: preTraining as Head,
  AlbertForMaskedLM: maskedLM as Head,
  AlbertForSequenceClassification: sequenceClassification as Head,
  AlbertForMultipleChoice: multipleChoice as Head,
  AlbertForTokenClassification: tokenClassification as Head,
  AlbertForQuestionAnswering: questionAnswering as Head,
} as const;

export type Architecture = keyof typeof HEADS;
