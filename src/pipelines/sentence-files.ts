/** The files that sentence-transformers writes beside a checkpoint, by name. */
import { isPlainPath } from '../hub/names.js';

export const MODULES = 'modules.json';
export const SETTINGS = 'config_sentence_transformers.json';
/** Older files are named for the model. */
export const LENGTHS = ['sentence_bert_config.json', 'sentence_albert_config.json'];

/** The most modules that `modules.json` may list. */
export const MAX_MODULES = 32;

/** The folder of a module, `''` for the checkpoint's own; `undefined` unless it is a plain relative path: it goes into URLs and paths. */
export function moduleFolder(module: unknown): string | undefined {
  const path = (module as { path?: unknown } | null)?.path;
  return typeof path === 'string' && (path === '' || isPlainPath(path)) ? path : undefined;
}

/** The folders that `modules.json` names; errors in the file are reported when the checkpoint is used for embeddings. */
export function moduleFolders(bytes: Uint8Array | undefined): string[] {
  if (bytes === undefined) return [];
  let modules: unknown;
  try {
    modules = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return [];
  }
  if (!Array.isArray(modules) || modules.length > MAX_MODULES) return [];
  return modules.map(moduleFolder).filter((folder) => folder !== undefined && folder !== '') as string[];
}
