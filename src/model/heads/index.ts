/** All heads. */
export { AlbertForMaskedLM, type MaskedLMOutput } from './masked-lm.js';
export { AlbertModel, type AlbertModelOutput } from './model.js';
export { AlbertForMultipleChoice, type MultipleChoiceOutput } from './multiple-choice.js';
export { AlbertForPreTraining, type PreTrainingOutput } from './pretraining.js';
export { AlbertForQuestionAnswering, type QuestionAnsweringOutput } from './question-answering.js';
export { AlbertForSequenceClassification, type SequenceClassificationOutput } from './sequence-classification.js';
export { AlbertForTokenClassification, type TokenClassificationOutput } from './token-classification.js';
