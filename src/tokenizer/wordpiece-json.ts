/** Reads the vocabulary of a WordPiece tokenizer: from `tokenizer.json`, or from `vocab.txt`. */
import { mismatch } from '../ground/errors.js';
import { addedVocabulary } from './added-vocabulary.js';
import { bertSteps } from './bert.js';
import { specialTokens, type TokenizerConfig } from './config.js';
import { checkPiece, MAX_PIECES, type TokenizerDefinition, tooManyPieces, type Vocabulary } from './definition.js';
import { type JsonObject, notAlbert, readObject } from './json.js';
import { CONTINUES, WordPiece } from './wordpiece.js';

const JSON_FILE = 'tokenizer.json';
const TEXT_FILE = 'vocab.txt';

/** The largest `vocab.txt`. BERT's multilingual one has 1 MiB. */
const MAX_VOCAB_BYTES = 16 << 20;

/** BERT's limit on a word, in code points. */
const MAX_WORD_LENGTH = 100;
/** The most that a file may set: a word is cut in time linear in its length times that of the longest piece. */
const MAX_WORD_LENGTH_SET = 10_000;

/** The `model` of a `tokenizer.json`. @throws ERR_TOKENIZER naming what is malformed or not BERT's */
export function readWordPiece(model: JsonObject, preTokenizer: unknown, decoder: unknown): Vocabulary {
  const split = readObject(preTokenizer, 'pre_tokenizer', JSON_FILE);
  if (split.type !== 'BertPreTokenizer') throw notAlbert('pre_tokenizer', 'BertPreTokenizer', split);
  const { type, prefix = CONTINUES, cleanup = true } = readObject(decoder, 'decoder', JSON_FILE);
  if (type !== 'WordPiece' || prefix !== CONTINUES || typeof cleanup !== 'boolean') {
    throw notAlbert('decoder', 'WordPiece', decoder);
  }
  const { continuing_subword_prefix = CONTINUES, max_input_chars_per_word: longest = MAX_WORD_LENGTH } = model;
  if (continuing_subword_prefix !== CONTINUES) {
    const got = continuing_subword_prefix;
    throw mismatch('ERR_TOKENIZER', 'continuing_subword_prefix', CONTINUES, got, JSON_FILE);
  }
  if (!Number.isInteger(longest) || (longest as number) < 1 || (longest as number) > MAX_WORD_LENGTH_SET) {
    const expected = `an integer from 1 to ${MAX_WORD_LENGTH_SET}`;
    throw mismatch('ERR_TOKENIZER', 'max_input_chars_per_word', expected, longest, JSON_FILE);
  }
  const entries = Object.entries(readObject(model.vocab, 'model.vocab', JSON_FILE));
  const pieces: string[] = [];
  for (const [piece, id] of entries) {
    const where = `model.vocab[${JSON.stringify(piece)}]`;
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= MAX_PIECES) {
      throw mismatch('ERR_TOKENIZER', where, `an id < ${MAX_PIECES}`, id, JSON_FILE);
    }
    if (pieces[id as number] !== undefined) throw mismatch('ERR_TOKENIZER', where, 'no id twice', id, JSON_FILE);
    pieces[id as number] = piece;
  }
  // An id that a vocabulary skips has no piece.
  return vocabularyOf(
    Array.from(pieces, (piece) => piece ?? ''),
    model.unk_token,
    longest as number,
    cleanup,
    JSON_FILE,
  );
}

/**
 * Reads `vocab.txt`, a piece per line, by the rules of BertTokenizer: of equal lines, the id of the last one counts.
 *
 * @throws ERR_TOKENIZER for a file that is empty, not UTF-8, past the limits, or without the unknown token
 */
export function readVocabulary(bytes: Uint8Array, config: TokenizerConfig): TokenizerDefinition {
  if (bytes.length > MAX_VOCAB_BYTES) {
    throw mismatch('ERR_TOKENIZER', TEXT_FILE, `at most ${MAX_VOCAB_BYTES} bytes`, `${bytes.length} bytes`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw mismatch('ERR_TOKENIZER', TEXT_FILE, 'text in UTF-8', (cause as Error).message, undefined, { cause });
  }
  const pieces = text.split(/\r\n|\r|\n/);
  if (pieces.at(-1) === '') pieces.pop();
  const special = specialTokens(config, 'wordpiece');
  const { given } = config;
  const lowercase = given.do_lower_case ?? config.do_lower_case ?? true;
  const keepsAccents = given.keep_accents ?? config.keep_accents;
  const vocabulary = vocabularyOf(pieces, special.unk_token, MAX_WORD_LENGTH, true, TEXT_FILE);
  return {
    pieces,
    model: vocabulary.model,
    addedTokens: addedVocabulary([], pieces, vocabulary.idOf, config, special),
    steps: bertSteps({
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars ?? true,
      strip_accents: (keepsAccents === undefined ? config.strip_accents : !keepsAccents) ?? lowercase,
      lowercase,
    }),
  };
}

function vocabularyOf(
  pieces: readonly string[],
  unknown: unknown,
  maxWordLength: number,
  cleansUp: boolean,
  file: string,
): Vocabulary {
  if (pieces.length > MAX_PIECES) throw tooManyPieces(file);
  const ids = new Map<string, number>();
  for (const [id, piece] of pieces.entries()) {
    if (piece === '') continue;
    checkPiece(piece, `piece ${id} of ${file}`);
    ids.set(piece, id);
  }
  const unknownId = ids.get(unknown as string);
  if (unknownId === undefined) {
    throw mismatch('ERR_TOKENIZER', 'unk_token', 'a token of the vocabulary', unknown, file);
  }
  return {
    pieces,
    idOf: (piece) => ids.get(piece),
    model: new WordPiece({ pieces, ids, unknownId, maxWordLength, cleansUp }),
  };
}
