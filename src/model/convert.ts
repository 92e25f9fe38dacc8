/** Converting a checkpoint: loaded as the class that it was made for, written in another dtype or format. */
import { writeFiles } from '#platform';
import { checkOptions } from '../errors.js';
import { type OpenedSource, openSource, type Source } from '../source.js';
import { asOneLoad, SOURCE_OPTIONS, type SourceOptions } from '../source-options.js';
import { openCheckpoint } from '../weights/open.js';
import { AlbertPreTrainedModel, type ModelClass } from './albert.js';
import { architectureOf } from './architecture.js';
import type { Architecture } from './heads/index.js';
import {
  AlbertForMaskedLM,
  AlbertForMultipleChoice,
  AlbertForPreTraining,
  AlbertForQuestionAnswering,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  AlbertModel,
} from './models.js';
import { SAVE_OPTIONS, type SaveOptions } from './options.js';

/** What belongs to a tokenizer and goes along. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'spiece.model'];

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
  const checkpoint = await openCheckpoint(recorded(opened, weights));
  const config = await opened.readFile('config.json');
  const architecture = architectureOf(checkpoint, new TextDecoder().decode(config));
  const Class = CLASSES[architecture];
  const files = Object.fromEntries([...weights, ...(config === undefined ? [] : [['config.json', config] as const])]);
  const model = await AlbertPreTrainedModel.from_pretrained.call(Class, files, { strict: true, signal });
  try {
    await model.save_pretrained(directory, { format, dtype });
  } finally {
    await model.dispose();
  }

  const tokenizer = new Map<string, Uint8Array>();
  for (const name of TOKENIZER_FILES) {
    const bytes = await opened.readFile(name);
    if (bytes !== undefined) tokenizer.set(name, bytes);
  }
  await writeFiles(directory, tokenizer, []);
  const bytesRead = [...weights.values()].reduce((sum, { length }) => sum + length, 0);
  return { architecture, ignored: model.loadReport.ignored, bytesRead };
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
