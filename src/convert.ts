/** Converting a checkpoint: loaded as the class that it was made for, written in another dtype or format. */
import { writeFiles } from '#platform';
import { checkOptions } from './ground/options.js';
import { type OpenedSource, openSource, type Source } from './ground/source.js';
import { asOneLoad, SOURCE_OPTIONS, type SourceOptions } from './ground/source-options.js';
import {
  type CheckpointInfo,
  checkDirectory,
  checkInitOptions,
  SAVE_OPTIONS,
  type SaveOptions,
} from './model/options.js';
import { LocalModel } from './model/runners/local.js';
import { LENGTHS, MODULES, moduleFolders, SETTINGS } from './pipelines/sentence-files.js';
import { TOKENIZER_FILES } from './tokenizer/files.js';
import { RARE_READERS } from './weights/rare.js';

/** What sentence-transformers adds to a checkpoint, and the files in the folders of its modules. */
const EMBEDDING_FILES = [MODULES, SETTINGS, ...LENGTHS];
const MODULE_FILES = ['config.json', 'model.safetensors', 'pytorch_model.bin'];

/** How a checkpoint is read, and how it is written. */
export interface ConvertOptions extends SaveOptions, SourceOptions {}

/** What was converted. */
export interface Conversion {
  /** The class that was loaded: `AlbertForMaskedLM`, … */
  readonly architecture: string;
  /** Tensors that it has no place for, and that were left out. */
  readonly ignored: readonly string[];
  /** Bytes of the files of weights that were read. */
  readonly bytesRead: number;
}

/**
 * Writes a checkpoint in another dtype or format into a directory (Node), its tokenizer's files beside it.
 *
 * @throws what `from_pretrained` and `save_pretrained` throw
 */
export async function convert(source: Source, directory: string | URL, given?: ConvertOptions): Promise<Conversion> {
  const options = asOneLoad(checkOptions(given, { ...SAVE_OPTIONS, ...SOURCE_OPTIONS }), { weights: true });
  const { format, dtype, signal } = options;
  checkDirectory(directory);
  const opened = await openSource(source, options);
  let bytesRead = 0;
  const origin = { source: opened, readers: RARE_READERS, strict: true };
  const model = await LocalModel.load(origin, checkInitOptions({}), undefined, signal, (_file, bytes) => {
    bytesRead += bytes;
  });
  try {
    const { found, missing } = await filesBeside(opened, signal);
    // Before anything is written: an older file of a tokenizer would be read in place of the new one.
    await writeFiles(directory, new Map(), missing);
    await model.save(directory, { format, dtype });
    await writeFiles(directory, found, []);
  } finally {
    await model.dispose();
  }
  const { ignored, checkpoint } = model.report;
  return { architecture: (checkpoint as CheckpointInfo).architecture, ignored, bytesRead };
}

/** The tokenizer's files and those of sentence-transformers, by their names in the source; and the names without a file. */
async function filesBeside(
  source: OpenedSource,
  signal: AbortSignal | undefined,
): Promise<{ found: Map<string, Uint8Array>; missing: string[] }> {
  const found = new Map<string, Uint8Array>();
  const missing: string[] = [];
  const take = async (name: string) => {
    const bytes = await source.readFile(name, signal);
    if (bytes !== undefined) found.set(name, bytes);
    else missing.push(name);
  };
  for (const name of [...TOKENIZER_FILES, ...EMBEDDING_FILES]) await take(name);
  for (const folder of moduleFolders(found.get(MODULES))) {
    for (const name of MODULE_FILES) await take(`${folder}/${name}`);
  }
  return { found, missing };
}
