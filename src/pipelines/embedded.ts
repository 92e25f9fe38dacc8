/** The small checkpoints that ship with the package, used where a pipeline is given no source. */

/** MLM and sentence order, English. */
export const ALBERT_MINI_EN = new URL('../../models/albert-mini-en/', import.meta.url);

/** Sentiment of English sentences. */
export const ALBERT_MINI_EN_SST2 = new URL('../../models/albert-mini-en-sst2/', import.meta.url);
