/** The tokens beside the model's own vocabulary, from the tokenizer file and the files beside it. */
import { mismatch } from '../ground/errors.js';
import type { TokenizerConfig } from './config.js';
import { type AddedToken, checkPiece, MAX_PIECES, type SpecialTokens } from './definition.js';

/**
 * @param fromFile the tokens of `tokenizer.json`; a file beside it may give them other properties
 * @throws ERR_TOKENIZER for an id that is invalid, that belongs to another token, or that the vocabulary has for another spelling
 */
export function addedVocabulary(
  fromFile: readonly AddedToken[],
  pieces: readonly string[],
  idOf: (piece: string) => number | undefined,
  config: TokenizerConfig,
  special: SpecialTokens,
): AddedToken[] {
  const tokens = new Map(fromFile.map((token) => [token.content, token]));
  const contents = new Map(fromFile.map((token) => [token.id, token.content]));
  for (const { where, id: given, ...word } of config.added) {
    checkPiece(word.content, where);
    const known = tokens.get(word.content)?.id ?? idOf(word.content);
    const id = given ?? known;
    if (id === undefined) continue; // a special token without an id: the code that needs it reports the error
    if (!Number.isInteger(id) || id < 0 || id >= MAX_PIECES) {
      throw mismatch('ERR_TOKENIZER', 'id', `an id < ${MAX_PIECES}`, id, where);
    }
    if (known !== undefined && known !== id) throw mismatch('ERR_TOKENIZER', 'id', `${known}, its id`, id, where);
    const there = contents.get(id) ?? pieces[id];
    if (there !== undefined && there !== '' && there !== word.content) {
      throw mismatch('ERR_TOKENIZER', 'id', 'an id without a token', `${id}, which is ${there}`, where);
    }
    tokens.set(word.content, { ...word, id });
    contents.set(id, word.content);
  }
  for (const content of new Set(Object.values(special))) {
    const id = tokens.get(content)?.id ?? idOf(content);
    if (id === undefined) continue;
    const known = tokens.get(content) ?? { ...PLAIN, id, content };
    tokens.set(content, { ...known, special: true });
  }
  return [...tokens.values()];
}

const PLAIN = { special: true, normalized: false, lstrip: false, rstrip: false, single_word: false };
