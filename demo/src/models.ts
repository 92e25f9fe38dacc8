/** The page's two models: where their files are, and loading them with a bar that shows how far each file has come. */
import type { LoadProgress, ModelFiles } from 'albert-wasm';
import { element, make, megabytes } from './page.js';

/** Bytes by model and file, from the build. */
declare const MODEL_BYTES: Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Sentiment. Each URL is written out in full: the bundler finds files by this very expression. */
export const SST2: ModelFiles = {
  'config.json': new URL('../models/albert-mini-en-sst2/config.json', import.meta.url),
  'model.safetensors': new URL('../models/albert-mini-en-sst2/model.safetensors', import.meta.url),
  'tokenizer.json': new URL('../models/albert-mini-en-sst2/tokenizer.json', import.meta.url),
  'tokenizer_config.json': new URL('../models/albert-mini-en-sst2/tokenizer_config.json', import.meta.url),
};

/** Masked words. */
export const ENGLISH: ModelFiles = {
  'config.json': new URL('../models/albert-mini-en/config.json', import.meta.url),
  'model.safetensors': new URL('../models/albert-mini-en/model.safetensors', import.meta.url),
  'tokenizer.json': new URL('../models/albert-mini-en/tokenizer.json', import.meta.url),
  'tokenizer_config.json': new URL('../models/albert-mini-en/tokenizer_config.json', import.meta.url),
};

/** Bytes of all files of a model that a page loads. */
export function bytesOf(name: string, files: ModelFiles): number {
  return Object.keys(files).reduce((sum, file) => sum + (MODEL_BYTES[name]?.[file] ?? 0), 0);
}

/**
 * Loads with a bar in the element `id`, which is empty again at the end.
 *
 * @param load starts the load with the given `onProgress`
 */
export async function withBar<T>(
  id: string,
  name: string,
  files: ModelFiles,
  load: (onProgress: (progress: LoadProgress) => void) => Promise<T>,
): Promise<T> {
  const total = bytesOf(name, files);
  const caption = make('p', '', { id: `${id}-caption`, class: 'note number' });
  const bar = make('progress', '', { max: String(total), 'aria-labelledby': caption.id });
  const list = make('ul', '', { class: 'files number' });
  element(id).replaceChildren(caption, bar, list);
  const loaded = new Map<string, number>();
  const lines = new Map<string, HTMLElement>();
  const show = (progress?: LoadProgress) => {
    if (progress !== undefined) {
      // The tokenizer and the model report apart; neither reads a file of the other's.
      loaded.set(progress.file, progress.loaded);
      let line = lines.get(progress.file);
      if (line === undefined) lines.set(progress.file, (line = list.appendChild(make('li'))));
      const all = MODEL_BYTES[name]?.[progress.file] ?? progress.loaded;
      line.textContent = `${progress.file} ${megabytes(progress.loaded)} of ${megabytes(all)}`;
    }
    bar.value = [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0);
    caption.textContent = `Loading the model, ${megabytes(bar.value)} of ${megabytes(total)}`;
  };
  show();
  try {
    return await load(show);
  } finally {
    element(id).replaceChildren();
  }
}
