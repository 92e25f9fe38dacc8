/** Readers of tokenizers that most models do not have, loaded together: separately, a bundler would cut what they share into small files. */
export { bertSteps, readBertSettings } from './bert.js';
export { readSentencePiece } from './sentencepiece.js';
export { readVocabulary, readWordPiece } from './wordpiece-json.js';
