/** ALBERT's tokenizer: text to ids with offsets in the caller's string, and back. */

import { reading } from '../ground/checks.js';
import { mismatch } from '../ground/errors.js';
import { checkOptions } from '../ground/options.js';
import { type OpenedSource, openSource, type Source } from '../ground/source.js';
import { asOneLoad, SOURCE_OPTIONS, type SourceOptions } from '../ground/source-options.js';
import {
  checkTokenizerOptions,
  specialTokens,
  TOKENIZER_OPTIONS,
  type TokenizerConfig,
  type TokenizerOptions,
} from './config.js';
import type { TokenizerDefinition, TokenModel } from './definition.js';
import {
  type AssembleOptions,
  assemble,
  checkTokenCount,
  type Encoding,
  pad,
  specialTokenCount,
  type Template,
} from './encoding.js';
import { readTokenizerFiles, TOKENIZER_FILES } from './files.js';
import {
  BATCH_OPTIONS,
  ENCODE_OPTIONS,
  type EncodeOptions,
  type ResolvedOptions,
  resolveOptions,
  roomForPieces,
} from './options.js';
import { Segmenter } from './segmenter.js';
import { cutWindows, type Window } from './truncation.js';

export { checkTokenizerOptions, TOKENIZER_OPTIONS, type TokenizerOptions } from './config.js';
export { type Encoding, pieceRange, stackEncodings } from './encoding.js';
export type { EncodeOptions } from './options.js';
export type { TruncationStrategy } from './truncation.js';

/** A text, or two texts that are encoded as one pair. */
export type TextInput = string | readonly [text: string, text_pair: string];

/** A text as words, or two that are encoded as one pair: what `is_split_into_words` takes. */
export type WordsInput = readonly string[] | readonly [text: readonly string[], text_pair: readonly string[]];

/** One text: whole, or as words. */
type Text = string | readonly string[];

/**
 * Encodes text as ALBERT's tokenizers do: SentencePiece's unigram pieces, or BERT's WordPiece. Made by {@link AlbertTokenizer.from_pretrained}; it holds no
 * resources, and every result is the caller's own.
 */
export class AlbertTokenizer {
  /** SentencePiece's unigram pieces, or BERT's WordPiece. */
  readonly kind: 'unigram' | 'wordpiece';
  /** The number of pieces and added tokens; every id is smaller. */
  readonly vocab_size: number;
  /** The most tokens that the model was made for, special ones included; Infinity if the files do not say. */
  readonly model_max_length: number;
  readonly cls_token: string;
  readonly sep_token: string;
  readonly mask_token: string;
  readonly pad_token: string;
  readonly unk_token: string;
  readonly cls_token_id: number;
  readonly sep_token_id: number;
  readonly mask_token_id: number;
  readonly pad_token_id: number;
  readonly unk_token_id: number;

  readonly #tokens: string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #specialIds: ReadonlySet<number>;
  readonly #model: TokenModel;
  readonly #segmenter: Segmenter;
  readonly #template: Template;

  readonly #given: TokenizerOptions;
  readonly #source: OpenedSource;

  private constructor(definition: TokenizerDefinition, config: TokenizerConfig, source: OpenedSource) {
    this.#source = source;
    const tokens = [...definition.pieces];
    for (const { id, content } of definition.addedTokens) tokens[id] = content;
    // An id that the files skip stands for no text.
    this.#tokens = Array.from(tokens, (token) => token ?? '');
    const ids = new Map<string, number>();
    this.#tokens.forEach((token, id) => {
      if (token !== '') ids.set(token, id);
    });
    this.#ids = ids;
    this.#specialIds = new Set(definition.addedTokens.filter(({ special }) => special).map(({ id }) => id));
    this.#model = definition.model;
    this.#segmenter = new Segmenter(definition);
    this.kind = definition.model.kind;
    this.vocab_size = this.#tokens.length;
    this.model_max_length = config.model_max_length;
    this.#given = config.given;
    const { cls_token, sep_token, mask_token, pad_token, unk_token } = specialTokens(config, this.kind);
    this.cls_token = cls_token;
    this.sep_token = sep_token;
    this.mask_token = mask_token;
    this.pad_token = pad_token;
    this.unk_token = unk_token;
    this.cls_token_id = this.#requireId('cls_token', cls_token);
    this.sep_token_id = this.#requireId('sep_token', sep_token);
    this.mask_token_id = this.#requireId('mask_token', mask_token);
    this.pad_token_id = this.#requireId('pad_token', pad_token);
    this.unk_token_id = this.#requireId('unk_token', unk_token);
    this.#template = {
      cls: { id: this.cls_token_id, token: cls_token },
      sep: { id: this.sep_token_id, token: sep_token },
      pad: { id: this.pad_token_id, token: pad_token },
    };
  }

  /**
   * Reads `tokenizer.json`, otherwise `spiece.model` or `vocab.txt`; and the settings beside it.
   *
   * @throws ERR_INPUT for unknown or invalid options, ERR_SOURCE when no tokenizer file is there, ERR_TOKENIZER naming what is
   *   malformed or not ALBERT's, ERR_ABORTED
   */
  static async from_pretrained(source: Source, given?: SourceOptions & TokenizerOptions): Promise<AlbertTokenizer> {
    const checked = checkOptions(given, { ...SOURCE_OPTIONS, ...TOKENIZER_OPTIONS });
    const { do_lower_case, keep_accents, model_max_length, ...rest } = checked;
    const settings = { do_lower_case, keep_accents, model_max_length };
    checkTokenizerOptions(settings);
    const options = asOneLoad(rest, { weights: false });
    return AlbertTokenizer.from_opened(await openSource(source, options), options.signal, settings);
  }

  /** @internal `from_pretrained` of a source that is open. */
  static async from_opened(
    opened: OpenedSource,
    signal: AbortSignal | undefined,
    settings: TokenizerOptions = {},
  ): Promise<AlbertTokenizer> {
    const { definition, config } = await readTokenizerFiles(opened, settings, signal);
    return new AlbertTokenizer(definition, config, opened.only?.(TOKENIZER_FILES) ?? opened);
  }

  /** @internal The tokenizer's files by name, read again from its source, with what the caller has set. */
  static async filesOf(tokenizer: AlbertTokenizer): Promise<Map<string, Uint8Array>> {
    const files = new Map<string, Uint8Array>();
    // The signal of the load may have fired since.
    const { signal } = new AbortController();
    for (const name of TOKENIZER_FILES) {
      const bytes = await tokenizer.#source.readFile(name, signal);
      if (bytes !== undefined) files.set(name, bytes);
    }
    const given = Object.entries(tokenizer.#given).filter(([, value]) => value !== undefined);
    if (given.length > 0) (await import('./save.js')).writeSettings(files, Object.fromEntries(given));
    return files;
  }

  /**
   * Encodes one text, or a pair with `text_pair`, as `[CLS] text [SEP]` or `[CLS] text [SEP] text_pair [SEP]`. Special
   * tokens in the text, such as `[MASK]`, are encoded as those tokens.
   *
   * @param text an array of words with `is_split_into_words`
   * @throws ERR_INPUT naming the argument at fault; ERR_TOO_LONG past 1 Mi characters, 4 Mi after normalisation, or 8 Mi
   *   tokens in all windows
   */
  encode(text: string | readonly string[], given?: EncodeOptions): Encoding {
    const options = checkOptions(given, ENCODE_OPTIONS);
    const resolved = resolveOptions(options, this.model_max_length);
    const texts = options.text_pair === undefined ? [text] : [text, options.text_pair];
    texts.forEach((item, i) => {
      checkText(i === 0 ? 'text' : 'text_pair', item, resolved.words);
    });
    const encoding = this.#encode(texts, resolved);
    this.#pad([encoding], resolved);
    return encoding;
  }

  /**
   * Encodes each text or `[text, text_pair]`, in order. With padding, all encodings have the same length: see `stackEncodings`.
   *
   * @throws ERR_INPUT, with the index of the text at fault; ERR_TOO_LONG as `encode`, or past 8 Mi tokens in the batch
   */
  encode_batch(inputs: readonly (TextInput | WordsInput)[], given?: Omit<EncodeOptions, 'text_pair'>): Encoding[] {
    const resolved = resolveOptions(checkOptions(given, BATCH_OPTIONS), this.model_max_length);
    const batch = reading('inputs', () => checkTexts(inputs, resolved.words));
    let count = 0;
    const encodings = batch.map((texts) => {
      const encoding = this.#encode(texts, resolved);
      checkTokenCount((count += tokenCount(encoding, encoding.input_ids.length)));
      return encoding;
    });
    this.#pad(encodings, resolved);
    return encodings;
  }

  /**
   * The text of ids. Case and accents that normalisation removed are not restored.
   *
   * @param ids (seq)
   * @throws ERR_INPUT for an id that is not an integer below `vocab_size`, with its index
   */
  decode(ids: Iterable<number | bigint>, given?: { skip_special_tokens?: boolean }): string {
    const { skip_special_tokens = false } = checkOptions(given, { skip_special_tokens: true });
    if (typeof ids !== 'object' || ids === null || !reading('ids', () => Symbol.iterator in ids)) {
      throw mismatch('ERR_INPUT', 'ids', 'an array of ids', ids);
    }
    const tokens: string[] = [];
    let index = 0;
    for (const item of reading('ids', () => Array.from(ids))) {
      // Of an object it would ask for its number.
      const id = typeof item === 'number' || typeof item === 'bigint' ? Number(item) : Number.NaN;
      const token = this.#tokens[id];
      if (token === undefined) throw mismatch('ERR_INPUT', 'ids', `ids < ${this.vocab_size}`, item, `[${index}]`);
      index++;
      if (token !== '' && !(skip_special_tokens && this.#specialIds.has(id))) tokens.push(token);
    }
    return this.#model.join(tokens);
  }

  /** The id of a piece or added token, spelled as in the vocabulary (`▁the`); undefined if there is none. */
  token_to_id(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** The spelling of an id in the vocabulary; undefined if there is none. */
  id_to_token(id: number): string | undefined {
    return this.#tokens[id] || undefined;
  }

  /** Whether the vocabulary marks a token as the first of a word: of `▁un` `believ` `able`, the first is. */
  startsWord(token: string): boolean {
    return this.#model.startsWord(token);
  }

  /** How many special tokens `encode` adds to one text, or to a pair. */
  num_special_tokens_to_add(pair = false): number {
    return specialTokenCount(pair ? 2 : 1);
  }

  #encode(texts: readonly Text[], options: ResolvedOptions): Encoding {
    const room = roomForPieces(options, texts.length);
    const pieces = texts.map((text) =>
      typeof text === 'string' ? this.#segmenter.segment(text) : this.#segmenter.segmentWords(text),
    );
    const lengths = pieces.map(({ ids }) => ids.length);
    const strategy = options.truncation?.strategy ?? 'longest_first';
    const windows: Window[][] = cutWindows(lengths, room, strategy, options.stride);
    return assemble(pieces, windows, this.#assembleOptions(options));
  }

  #pad(encodings: readonly Encoding[], options: ResolvedOptions): void {
    if (options.padding === undefined) return;
    const longest = encodings.reduce((most, { input_ids }) => Math.max(most, input_ids.length), 0);
    const length = options.padding === 'longest' ? longest : options.padding;
    checkTokenCount(encodings.reduce((sum, encoding) => sum + tokenCount(encoding, length), 0));
    for (const encoding of encodings) pad(encoding, length, this.#assembleOptions(options));
  }

  #assembleOptions({ specialTokens, offsets, words }: ResolvedOptions): AssembleOptions {
    return { template: this.#template, specialTokens, offsets, words };
  }

  #requireId(role: string, token: string): number {
    const id = this.#ids.get(token);
    if (id === undefined) throw mismatch('ERR_TOKENIZER', role, 'a token of the vocabulary', token);
    return id;
  }
}

function checkText(title: string, text: unknown, words: boolean): void {
  if (words ? !isWords(text) : typeof text !== 'string') {
    throw mismatch('ERR_INPUT', title, words ? 'an array of words' : 'a string', text);
  }
}

function isWords(value: unknown): boolean {
  return Array.isArray(value) && value.every((word) => typeof word === 'string');
}

/** A copy of each text or pair. @throws ERR_INPUT with the index of an invalid one */
function checkTexts(inputs: unknown, words: boolean): (readonly Text[])[] {
  if (!Array.isArray(inputs)) throw mismatch('ERR_INPUT', 'inputs', 'an array of texts or pairs', inputs);
  return Array.from(inputs, (input: unknown, i) => {
    const isPair = Array.isArray(input) && (!words || Array.isArray(input[0]));
    const texts: readonly unknown[] = isPair ? [...input] : [input];
    const valid = texts.every((text) => (words ? isWords(text) : typeof text === 'string'));
    if (!valid || texts.length > 2 || texts.length === 0) {
      const expected = words ? 'an array of words or two of them' : 'a text or [text, text_pair]';
      throw mismatch('ERR_INPUT', 'inputs', expected, input, `[${i}]`);
    }
    return texts as readonly Text[];
  });
}

/** Tokens of an encoding and its windows, each padded to `length`. */
function tokenCount(encoding: Encoding, length: number): number {
  return (1 + encoding.overflowing.length) * Math.max(length, encoding.input_ids.length);
}
