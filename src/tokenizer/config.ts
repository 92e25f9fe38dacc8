/** Reads `tokenizer_config.json`: the settings and token names that the tokenizer files themselves do not hold. */
import { mismatch } from '../errors.js';
import type { SpecialTokens } from './definition.js';
import { type JsonObject, parseObject } from './json.js';

const FILE = 'tokenizer_config.json';
const MAX_CONFIG_BYTES = 16 << 20;

export interface TokenizerConfig {
  readonly do_lower_case: boolean;
  readonly remove_space: boolean;
  readonly keep_accents: boolean;
  readonly special: SpecialTokens;
  /** Tokens; Infinity when the file sets no length that a program could reach. */
  readonly model_max_length: number;
}

/** ALBERT's defaults where the file, or a key of it, is missing. @throws ERR_TOKENIZER naming the key at fault */
export function readTokenizerConfig(bytes: Uint8Array | undefined): TokenizerConfig {
  const file = bytes === undefined ? {} : parseObject(bytes, FILE, MAX_CONFIG_BYTES);
  return {
    do_lower_case: readFlag(file, 'do_lower_case', true),
    remove_space: readFlag(file, 'remove_space', true),
    keep_accents: readFlag(file, 'keep_accents', false),
    special: {
      cls_token: readToken(file, 'cls_token', '[CLS]'),
      sep_token: readToken(file, 'sep_token', '[SEP]'),
      mask_token: readToken(file, 'mask_token', '[MASK]'),
      pad_token: readToken(file, 'pad_token', '<pad>'),
      unk_token: readToken(file, 'unk_token', '<unk>'),
    },
    model_max_length: readLength(file),
  };
}

function readFlag(file: JsonObject, key: string, fallback: boolean): boolean {
  const value = file[key] ?? fallback;
  if (typeof value !== 'boolean') throw mismatch('ERR_TOKENIZER', key, 'true or false', value, FILE);
  return value;
}

/** A token is its spelling, or an object with its spelling as `content`. */
function readToken(file: JsonObject, key: string, fallback: string): string {
  const value = file[key] ?? fallback;
  const content = typeof value === 'object' ? (value as JsonObject).content : value;
  if (typeof content !== 'string' || content === '') throw mismatch('ERR_TOKENIZER', key, 'a token', value, FILE);
  return content;
}

/** Hugging Face writes 1e30 for "no length". */
function readLength(file: JsonObject): number {
  const value = file.model_max_length ?? Number.POSITIVE_INFINITY;
  if (typeof value !== 'number' || !(value >= 1)) {
    throw mismatch('ERR_TOKENIZER', 'model_max_length', 'a number of tokens >= 1', value, FILE);
  }
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
}
