/** The readers of the kinds of tokenizer that most models do not have, loaded together: apart, they split what they share with the rest into small files. */
export { bertSteps, readBertSettings } from './bert.js';
export { readSentencePiece } from './sentencepiece.js';
export { readVocabulary, readWordPiece } from './wordpiece-json.js';
