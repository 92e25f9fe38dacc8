/** The files that sentence-transformers writes beside a checkpoint, by name. */

export const MODULES = 'modules.json';
export const SETTINGS = 'config_sentence_transformers.json';
/** Older files are named for the model. */
export const LENGTHS = ['sentence_bert_config.json', 'sentence_albert_config.json'];

/** The most modules that `modules.json` may list. */
export const MAX_MODULES = 32;
