/** Converting a checkpoint: loaded as the class that it was made for, written in another dtype or format. */
import { writeFiles } from '#platform';
import { checkOptions } from './errors.js';
import { isPlainPath } from './hub/names.js';
import { AlbertPreTrainedModel, type ModelClass } from './model/albert.js';
import { type Architecture, architectureOf } from './model/architecture.js';
import {
  AlbertForMaskedLM,
  AlbertForMultipleChoice,
  AlbertForPreTraining,
  AlbertForQuestionAnswering,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  AlbertModel,
} from './model/models.js';
import { SAVE_OPTIONS, type SaveOptions } from './model/options.js';
import { LENGTHS, MAX_MODULES, MODULES, SETTINGS } from './pipelines/sentence-files.js';
import { type OpenedSource, openSource, type Source } from './source.js';
import { asOneLoad, SOURCE_OPTIONS, type SourceOptions } from './source-options.js';
import { openCheckpoint } from './weights/open.js';
import { RARE_READERS } from './weights/rare.js';

/** What belongs to a tokenizer and goes along. */
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'spiece.model',
  'vocab.txt',
];

/** What sentence-transformers adds to a checkpoint, and the files in the folders of its modules. */
const EMBEDDING_FILES = [MODULES, SETTINGS, ...LENGTHS];
const MODULE_FILES = ['config.json', 'model.safetensors', 'pytorch_model.bin'];

const CLASSES: Readonly<Record<Architecture, ModelClass<AlbertPreTrainedModel<object>>>> = {
  AlbertModel,
  AlbertForPreTraining,
  AlbertForMaskedLM,
  AlbertForSequenceClassification,
  AlbertForMultipleChoice,
  AlbertForTokenClassification,
  AlbertForQuestionAnswering,
};

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
  const opened = await openSource(source, options);
  const weights = new Map<string, Uint8Array>();
  const checkpoint = await openCheckpoint(recorded(opened, weights), { ...RARE_READERS, signal });
  const config = await opened.readFile('config.json', signal);
  const architecture = architectureOf(checkpoint, new TextDecoder().decode(config));
  const Class = CLASSES[architecture];
  const files = Object.fromEntries([...weights, ...(config === undefined ? [] : [['config.json', config] as const])]);
  const { found, missing } = await filesBeside(opened, signal);
  // Before anything is written: an older file of a tokenizer would be read in place of the new one.
  await writeFiles(directory, new Map(), missing);
  const model = await AlbertPreTrainedModel.from_pretrained.call(Class, files, { strict: true, signal });
  try {
    await model.save_pretrained(directory, { format, dtype });
  } finally {
    await model.dispose();
  }

  await writeFiles(directory, found, []);
  const bytesRead = [...weights.values()].reduce((sum, { length }) => sum + length, 0);
  return { architecture, ignored: model.loadReport.ignored, bytesRead };
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

/** The folders that `modules.json` names; errors in the file are reported when the checkpoint is used for embeddings. */
function moduleFolders(bytes: Uint8Array | undefined): string[] {
  if (bytes === undefined) return [];
  let modules: unknown;
  try {
    modules = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return [];
  }
  if (!Array.isArray(modules) || modules.length > MAX_MODULES) return [];
  const paths = modules.map((module) => (module as { path?: unknown } | null)?.path);
  return paths.filter((path) => typeof path === 'string' && isPlainPath(path)) as string[];
}

/** A source that keeps what was opened of it: nothing is downloaded twice. */
function recorded(source: OpenedSource, kept: Map<string, Uint8Array>): OpenedSource {
  return {
    ...source,
    async openFile(file, signal) {
      const bytes = await source.readFile(file, signal);
      if (bytes !== undefined) kept.set(file, bytes);
      return bytes;
    },
  };
}
