/**
 * The small checkpoints that ship with the package, used where a pipeline is given no source. They are folders, which no
 * bundler copies: a page serves them itself and names their URL.
 */

/** MLM and sentence order, English. */
export const ALBERT_MINI_EN = new URL(/* @vite-ignore */ '../../models/albert-mini-en/', import.meta.url);

/** Sentiment of English sentences. */
export const ALBERT_MINI_EN_SST2 = new URL(/* @vite-ignore */ '../../models/albert-mini-en-sst2/', import.meta.url);
