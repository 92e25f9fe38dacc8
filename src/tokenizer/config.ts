/**
 * The settings beside a tokenizer file, in `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`, and those that
 * the caller sets instead.
 *
 * Source: `PreTrainedTokenizerBase._from_pretrained` of transformers.
 */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import { type AddedToken, MAX_PIECES, type SpecialTokens, tooManyPieces } from './definition.js';
import { type JsonObject, parseObject, readFlag, readObject } from './json.js';

const CONFIG = 'tokenizer_config.json';
const SPECIAL = 'special_tokens_map.json';
const ADDED = 'added_tokens.json';
const MAX_CONFIG_BYTES = 16 << 20;

/** What a caller sets instead of the files beside a tokenizer. */
export interface TokenizerOptions {
  /** Whether text becomes lower case. Default: what the files say. */
  readonly do_lower_case?: boolean;
  /** Whether accents stay; `true` for the models that were trained with them, such as indic-bert. Default: what the files say. */
  readonly keep_accents?: boolean;
  /** The most tokens of a text, special ones included. Default: what the files say. */
  readonly model_max_length?: number;
}

export const TOKENIZER_OPTIONS: OptionNames<TokenizerOptions> = {
  do_lower_case: true,
  keep_accents: true,
  model_max_length: true,
};

/** An added token as a settings file has it; without an id, the vocabulary's id counts. */
export interface AddedWord extends Omit<AddedToken, 'id'> {
  readonly id?: number;
  /** The key of its file, for messages. */
  readonly where: string;
}

export interface TokenizerConfig {
  /** What the caller sets. */
  readonly given: TokenizerOptions;
  /** What the files say, `undefined` where they say nothing. */
  readonly do_lower_case: boolean | undefined;
  readonly keep_accents: boolean | undefined;
  readonly strip_accents: boolean | undefined;
  readonly tokenize_chinese_chars: boolean | undefined;
  readonly remove_space: boolean;
  /** Whether the files are those of a BertTokenizer. */
  readonly isBert: boolean;
  /** The names of special tokens that the files give. */
  readonly special: Partial<SpecialTokens>;
  readonly added: readonly AddedWord[];
  /** Tokens; Infinity when neither caller nor files set a length that a program could reach. */
  readonly model_max_length: number;
}

/** The bytes of each file that is there. */
export interface SettingsFiles {
  readonly config?: Uint8Array | undefined;
  readonly special?: Uint8Array | undefined;
  readonly added?: Uint8Array | undefined;
}

const ROLES = ['cls_token', 'sep_token', 'mask_token', 'pad_token', 'unk_token'] as const;

/**
 * Whether the older files `special_tokens_map.json` and `added_tokens.json` are read: not where `tokenizer_config.json` has
 * all added tokens itself.
 */
export function readsOlderFiles(config: Uint8Array | undefined): boolean {
  return config === undefined || parseObject(config, CONFIG, MAX_CONFIG_BYTES).added_tokens_decoder === undefined;
}

/** @throws ERR_TOKENIZER naming the file and the key at fault */
export function readTokenizerConfig(files: SettingsFiles, given: TokenizerOptions): TokenizerConfig {
  const config = files.config === undefined ? {} : parseObject(files.config, CONFIG, MAX_CONFIG_BYTES);
  const map = files.special === undefined ? {} : parseObject(files.special, SPECIAL, MAX_CONFIG_BYTES);
  const special: { -readonly [Role in keyof SpecialTokens]?: string } = {};
  const roleWords: AddedWord[] = [];
  for (const role of ROLES) {
    const file = (map[role] ?? undefined) === undefined ? CONFIG : SPECIAL;
    const value = file === SPECIAL ? map[role] : config[role];
    if (value === undefined || value === null) continue;
    const word = readWord(value, role, file);
    special[role] = word.content;
    if (typeof value === 'object') roleWords.push(word);
  }
  const words =
    config.added_tokens_decoder === undefined
      ? readAddedTokens(files.added, Object.values(special))
      : readDecoder(config.added_tokens_decoder);
  const flag = (key: string) => readFlag(config, key, key, CONFIG);
  return {
    given,
    do_lower_case: flag('do_lower_case'),
    keep_accents: flag('keep_accents'),
    strip_accents: flag('strip_accents'),
    tokenize_chinese_chars: flag('tokenize_chinese_chars'),
    remove_space: flag('remove_space') ?? true,
    isBert: typeof config.tokenizer_class === 'string' && config.tokenizer_class.startsWith('BertTokenizer'),
    special,
    added: [...roleWords.filter(({ content }) => !words.some((word) => word.content === content)), ...words],
    model_max_length: given.model_max_length ?? readLength(config),
  };
}

/** The names of all special tokens: the files', or those of the tokenizer's kind. */
export function specialTokens({ special }: TokenizerConfig, kind: 'unigram' | 'wordpiece'): SpecialTokens {
  const usual =
    kind === 'unigram' ? { pad_token: '<pad>', unk_token: '<unk>' } : { pad_token: '[PAD]', unk_token: '[UNK]' };
  return { cls_token: '[CLS]', sep_token: '[SEP]', mask_token: '[MASK]', ...usual, ...special };
}

/** @throws ERR_INPUT naming the option */
export function checkTokenizerOptions(options: TokenizerOptions): void {
  for (const name of ['do_lower_case', 'keep_accents'] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== 'boolean') throw mismatch('ERR_INPUT', name, 'true or false', value);
  }
  const { model_max_length: length } = options;
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 1)) {
    throw mismatch('ERR_INPUT', 'model_max_length', 'an integer from 1', length);
  }
}

/** A token is its spelling, or an object with its spelling as `content`. */
function readWord(value: unknown, where: string, file: string, specialUnlessSaid = true): AddedWord {
  const isObject = typeof value === 'object' && value !== null;
  const word: JsonObject = isObject ? (value as JsonObject) : { content: value };
  const { content } = word;
  if (typeof content !== 'string' || content === '') throw mismatch('ERR_TOKENIZER', where, 'a token', value, file);
  const flag = (key: string) => readFlag(word, key, `${where}.${key}`, file);
  const special = flag('special') ?? specialUnlessSaid;
  return {
    content,
    special,
    normalized: flag('normalized') ?? !special,
    lstrip: flag('lstrip') ?? false,
    rstrip: flag('rstrip') ?? false,
    single_word: flag('single_word') ?? false,
    where: `${where} of ${file}`,
  };
}

/** `added_tokens_decoder`: tokens by id. */
function readDecoder(value: unknown): AddedWord[] {
  const entries = Object.entries(readObject(value, 'added_tokens_decoder', CONFIG));
  if (entries.length > MAX_PIECES) throw tooManyPieces(CONFIG);
  return entries.map(([id, word]) => ({
    ...readWord(word, `added_tokens_decoder[${id}]`, CONFIG, false),
    id: Number(id),
  }));
}

/** `added_tokens.json`: ids by spelling. */
function readAddedTokens(bytes: Uint8Array | undefined, special: readonly string[]): AddedWord[] {
  if (bytes === undefined) return [];
  const entries = Object.entries(parseObject(bytes, ADDED, MAX_CONFIG_BYTES));
  if (entries.length > MAX_PIECES) throw tooManyPieces(ADDED);
  return entries
    .map(([content, id]) => ({
      ...readWord(content, JSON.stringify(content), ADDED, special.includes(content)),
      id: id as number,
    }))
    .sort((a, b) => a.id - b.id);
}

/** Hugging Face writes 1e30 for "no length"; its first files have `max_len`. */
function readLength(file: JsonObject): number {
  const value = file.model_max_length ?? file.max_len ?? Number.POSITIVE_INFINITY;
  if (typeof value !== 'number' || !(value >= 1)) {
    throw mismatch('ERR_TOKENIZER', 'model_max_length', 'a number of tokens >= 1', value, CONFIG);
  }
  return Number.isSafeInteger(value) ? value : Number.POSITIVE_INFINITY;
}
