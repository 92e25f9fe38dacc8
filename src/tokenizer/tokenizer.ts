/** ALBERT's tokenizer: text to ids with places in the caller's string, and back. */
import { checkOptions, mismatch, throwIfAborted } from '../errors.js';
import { openSource, type Source } from '../source.js';
import { asOneLoad, SOURCE_OPTIONS, type SourceOptions } from '../source-options.js';
import { readTokenizerConfig, type TokenizerConfig } from './config.js';
import type { TokenizerDefinition } from './definition.js';
import { type AssembleOptions, assemble, checkTokenCount, type Encoding, pad, type Template } from './encoding.js';
import { SPACE_MARK } from './normalizer.js';
import {
  BATCH_OPTIONS,
  ENCODE_OPTIONS,
  type EncodeOptions,
  type ResolvedOptions,
  resolveOptions,
  roomForPieces,
} from './options.js';
import { Segmenter } from './segmenter.js';
import { readSentencePiece } from './sentencepiece.js';
import { readTokenizerJson } from './tokenizer-json.js';
import { cutWindows, type Window } from './truncation.js';

export { type Encoding, stackEncodings } from './encoding.js';
export type { EncodeOptions } from './options.js';
export type { TruncationStrategy } from './truncation.js';

/** A text, or two texts that are encoded as one pair. */
export type TextInput = string | readonly [text: string, text_pair: string];

/**
 * Encodes text as ALBERT's SentencePiece tokenizer does. Made by {@link AlbertTokenizer.from_pretrained}; it holds no
 * resources, and every result is the caller's own.
 */
export class AlbertTokenizer {
  /** Pieces and added tokens: every id is below it. */
  readonly vocab_size: number;
  /** The most tokens the model was made for, special ones included; Infinity when the files do not say. */
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
  readonly #segmenter: Segmenter;
  readonly #template: Template;

  private constructor(definition: TokenizerDefinition, config: TokenizerConfig) {
    this.#tokens = [...definition.pieces];
    for (const { id, content } of definition.addedTokens) this.#tokens[id] = content;
    this.#ids = new Map(this.#tokens.map((token, id) => [token, id]));
    this.#specialIds = new Set(definition.addedTokens.filter(({ special }) => special).map(({ id }) => id));
    this.#segmenter = new Segmenter(definition, config.remove_space);
    this.vocab_size = this.#tokens.length;
    this.model_max_length = config.model_max_length;
    const { cls_token, sep_token, mask_token, pad_token, unk_token } = config.special;
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
   * Reads `tokenizer.json`, or else `spiece.model`; and `tokenizer_config.json` where there is one.
   *
   * @throws ERR_INPUT for options that are none, ERR_SOURCE when neither file is there, ERR_TOKENIZER naming what is
   *   malformed or not ALBERT's, ERR_ABORTED
   */
  static async from_pretrained(source: Source, given?: SourceOptions): Promise<AlbertTokenizer> {
    const options = asOneLoad(checkOptions(given, SOURCE_OPTIONS), { weights: false });
    const { signal } = options;
    const opened = await openSource(source, options);
    const config = readTokenizerConfig(await opened.readFile('tokenizer_config.json', signal));
    const json = await opened.readFile('tokenizer.json', signal);
    const spiece = json === undefined ? await opened.readFile('spiece.model', signal) : undefined;
    throwIfAborted(signal);
    if (json !== undefined) return new AlbertTokenizer(readTokenizerJson(json, config.special), config);
    if (spiece !== undefined) return new AlbertTokenizer(readSentencePiece(spiece, config, config.special), config);
    throw mismatch('ERR_SOURCE', 'source', 'tokenizer.json or spiece.model', 'neither', opened.name);
  }

  /**
   * Encodes one text, or a pair with `text_pair`, as `[CLS] text [SEP]` or `[CLS] text [SEP] text_pair [SEP]`. Special
   * tokens written in the text, such as `[MASK]`, are those tokens.
   *
   * @throws ERR_INPUT naming the argument at fault; ERR_TOO_LONG past 1 Mi characters, 4 Mi after normalisation, or 8 Mi
   *   tokens in all windows
   */
  encode(text: string, given?: EncodeOptions): Encoding {
    const options = checkOptions(given, ENCODE_OPTIONS);
    const resolved = resolveOptions(options, this.model_max_length);
    const texts = options.text_pair === undefined ? [text] : [text, options.text_pair];
    texts.forEach((item, i) => {
      if (typeof item !== 'string') throw mismatch('ERR_INPUT', i === 0 ? 'text' : 'text_pair', 'a string', item);
    });
    const encoding = this.#encode(texts, resolved);
    this.#pad([encoding], resolved);
    return encoding;
  }

  /**
   * Encodes each text or `[text, text_pair]`, in order. With padding all have one length: see `stackEncodings`.
   *
   * @throws ERR_INPUT, with the index of the text at fault; ERR_TOO_LONG as `encode`, or past 8 Mi tokens in the batch
   */
  encode_batch(inputs: readonly TextInput[], given?: Omit<EncodeOptions, 'text_pair'>): Encoding[] {
    const resolved = resolveOptions(checkOptions(given, BATCH_OPTIONS), this.model_max_length);
    if (!Array.isArray(inputs)) throw mismatch('ERR_INPUT', 'inputs', 'an array of texts or pairs', inputs);
    const batch = Array.from(inputs as readonly TextInput[], (input, i) => {
      const texts: readonly unknown[] = Array.isArray(input) ? input : [input];
      const valid = texts.every((text) => typeof text === 'string') && texts.length <= 2 && texts.length > 0;
      if (!valid) throw mismatch('ERR_INPUT', 'inputs', 'a text or [text, text_pair]', input, `[${i}]`);
      return texts as readonly string[];
    });
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
   * Text from ids. What normalisation took (case, accents) stays lost.
   *
   * @param ids (seq)
   * @throws ERR_INPUT for an id that is no whole number below `vocab_size`, with its index
   */
  decode(ids: Iterable<number | bigint>, given?: { skip_special_tokens?: boolean }): string {
    const { skip_special_tokens = false } = checkOptions(given, { skip_special_tokens: true });
    if (typeof ids !== 'object' || ids === null || !(Symbol.iterator in ids)) {
      throw mismatch('ERR_INPUT', 'ids', 'an array of ids', ids);
    }
    const tokens: string[] = [];
    let index = 0;
    for (const item of ids) {
      const id = Number(item);
      const token = this.#tokens[id];
      if (token === undefined) throw mismatch('ERR_INPUT', 'ids', `ids < ${this.vocab_size}`, item, `[${index}]`);
      index++;
      if (!skip_special_tokens || !this.#specialIds.has(id)) tokens.push(token);
    }
    // The mark is a space; the one before the first word belongs to no text.
    return tokens.join('').replaceAll(SPACE_MARK, ' ').replace(/^ /, '');
  }

  /** The id of a piece or added token, spelled as in the vocabulary (`▁the`); undefined when there is none. */
  token_to_id(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** The spelling of an id in the vocabulary; undefined when there is none. */
  id_to_token(id: number): string | undefined {
    return this.#tokens[id];
  }

  #encode(texts: readonly string[], options: ResolvedOptions): Encoding {
    const room = roomForPieces(options, texts.length);
    const pieces = texts.map((text) => this.#segmenter.segment(text));
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

  #assembleOptions({ specialTokens, offsets }: ResolvedOptions): AssembleOptions {
    return { template: this.#template, specialTokens, offsets };
  }

  #requireId(role: string, token: string): number {
    const id = this.#ids.get(token);
    if (id === undefined) throw mismatch('ERR_TOKENIZER', role, 'a token of the vocabulary', token);
    return id;
  }
}

/** Tokens of an encoding and its windows, each padded to `length`. */
function tokenCount(encoding: Encoding, length: number): number {
  return (1 + encoding.overflowing.length) * Math.max(length, encoding.input_ids.length);
}
