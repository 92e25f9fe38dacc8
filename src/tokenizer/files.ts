/** Finds a tokenizer's files in a source and reads them. */

import { throwIfAborted } from '../ground/abort.js';
import { mismatch } from '../ground/errors.js';
import type { OpenedSource } from '../ground/source.js';
import { readsOlderFiles, readTokenizerConfig, type TokenizerConfig, type TokenizerOptions } from './config.js';
import type { TokenizerDefinition } from './definition.js';
import { readTokenizerJson } from './tokenizer-json.js';

/** The files that belong to a tokenizer. */
export const TOKENIZER_FILES: readonly string[] = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'spiece.model',
  'vocab.txt',
];

/**
 * Which file wins is as in transformers' AutoTokenizer: `tokenizer.json`, then the file of the class that
 * `tokenizer_config.json` names, `vocab.txt` for a BertTokenizer and `spiece.model` otherwise, then the other one.
 *
 * @throws ERR_SOURCE when no tokenizer file is there; ERR_TOKENIZER; ERR_ABORTED
 */
export async function readTokenizerFiles(
  opened: OpenedSource,
  options: TokenizerOptions,
  signal: AbortSignal | undefined,
): Promise<{ definition: TokenizerDefinition; config: TokenizerConfig }> {
  const read = (file: string) => opened.readFile(file, signal);
  const configFile = await read('tokenizer_config.json');
  const [json, special, added] = await Promise.all([
    read('tokenizer.json'),
    ...(readsOlderFiles(configFile) ? [read('special_tokens_map.json'), read('added_tokens.json')] : []),
  ]);
  const config = readTokenizerConfig({ config: configFile, special, added }, options);
  throwIfAborted(signal);
  if (json !== undefined) return { definition: await readTokenizerJson(json, config), config };
  for (const file of config.isBert ? ['vocab.txt', 'spiece.model'] : ['spiece.model', 'vocab.txt']) {
    const bytes = await read(file);
    throwIfAborted(signal);
    if (bytes === undefined) continue;
    if (file === 'spiece.model') {
      const { readSentencePiece } = await import('./rare.js');
      return { definition: readSentencePiece(bytes, config), config };
    }
    const { readVocabulary } = await import('./rare.js');
    return { definition: readVocabulary(bytes, config), config };
  }
  throw mismatch('ERR_SOURCE', 'source', 'tokenizer.json, spiece.model or vocab.txt', 'none of them', opened.name);
}
