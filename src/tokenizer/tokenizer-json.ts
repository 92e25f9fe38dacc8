/**
 * Reads `tokenizer.json` into a tokenizer definition, and refuses every component that is not ALBERT's: nothing in the
 * file is compiled or run, its one regular expression included.
 *
 * Source: the serialisation of Hugging Face's tokenizers, as `AlbertConverter` writes it.
 */
import { mismatch } from '../errors.js';
import {
  type AddedToken,
  checkPiece,
  MAX_PIECES,
  type SpecialTokens,
  type TokenizerDefinition,
  VocabularyBuilder,
} from './definition.js';
import { describe, type JsonObject, parseObject, readArray, readObject, same } from './json.js';
import { SPACE_MARK } from './normalizer.js';
import { Unigram } from './unigram.js';

/** The largest `tokenizer.json`. That of 250,000 pieces has 17 MB. */
const MAX_TOKENIZER_JSON_BYTES = 32 << 20;

const FILE = 'tokenizer.json';

/** @throws ERR_TOKENIZER naming the component that is malformed, out of bounds or not ALBERT's */
export function readTokenizerJson(bytes: Uint8Array, special: SpecialTokens): TokenizerDefinition {
  const file = parseObject(bytes, FILE, MAX_TOKENIZER_JSON_BYTES);
  const normalizer = readNormalizer(file.normalizer);
  checkPreTokenizer(file.pre_tokenizer);
  checkDecoder(file.decoder);
  const { pieces, scores, unknownId } = readModel(file.model);
  const addedTokens = readAddedTokens(file.added_tokens, pieces);
  checkPostProcessor(file.post_processor, special, pieces);
  const unmatchable = new Set([unknownId, ...addedTokens.filter((token) => token.special).map(({ id }) => id)]);
  const model = new Unigram(pieces, scores, unknownId, (id) => !unmatchable.has(id));
  return { pieces, model, addedTokens, normalizer };
}

/** ALBERT's steps, each at most once and in this order. */
const STEPS: readonly { readonly name: string; readonly is: (step: JsonObject) => boolean }[] = [
  { name: 'Replace `` by "', is: (step) => isReplace(step, { String: '``' }, '"') },
  { name: "Replace '' by \"", is: (step) => isReplace(step, { String: "''" }, '"') },
  { name: 'NFKD', is: (step) => step.type === 'NFKD' },
  { name: 'StripAccents', is: (step) => step.type === 'StripAccents' },
  { name: 'Lowercase', is: (step) => step.type === 'Lowercase' },
  { name: 'Precompiled', is: (step) => step.type === 'Precompiled' },
  // Runs of spaces are one space in SentencePiece anyway; the expression is only recognised.
  { name: 'Replace / {2,}/ by a space', is: (step) => isReplace(step, { Regex: ' {2,}' }, ' ') },
];
const [GRAVES, APOSTROPHES, NFKD, STRIP_ACCENTS, LOWERCASE, PRECOMPILED] = [0, 1, 2, 3, 4, 5];

function readNormalizer(value: unknown): TokenizerDefinition['normalizer'] {
  const found = new Set<number | undefined>();
  let charsmap: Uint8Array | undefined;
  let next = 0;
  for (const [i, item] of listOf(value, 'normalizer', 'normalizers').entries()) {
    const step = readObject(item, `normalizers[${i}]`, FILE);
    const at = STEPS.findIndex(({ is }, index) => index >= next && is(step));
    if (at < 0) throw notAlbert(`normalizers[${i}]`, STEPS.map(({ name }) => name).join(', '), step);
    found.add(at);
    next = at + 1;
    if (at === PRECOMPILED) charsmap = decodeBase64(step.precompiled_charsmap);
  }
  if (found.has(NFKD) !== found.has(STRIP_ACCENTS)) {
    throw mismatch('ERR_TOKENIZER', 'normalizer', 'NFKD and StripAccents together', 'one of them', FILE);
  }
  if (found.has(GRAVES) !== found.has(APOSTROPHES)) {
    throw mismatch('ERR_TOKENIZER', 'normalizer', "both `` and '' replaced", 'one of them', FILE);
  }
  return {
    quotes: found.has(GRAVES),
    stripAccents: found.has(NFKD),
    lowercase: found.has(LOWERCASE),
    charsmap,
  };
}

/** Metaspace, with or without WhitespaceSplit before it: SentencePiece's white space is the same for both. */
function checkPreTokenizer(value: unknown): void {
  const steps = listOf(value, 'pre_tokenizer', 'pretokenizers').map((step, i) =>
    readObject(step, `pretokenizers[${i}]`, FILE),
  );
  const last = steps.at(-1);
  if (steps.length === 2 && steps[0]?.type === 'WhitespaceSplit') steps.shift();
  const prefixed =
    last !== undefined && (last.prepend_scheme ?? 'always') === 'always' && last.add_prefix_space !== false;
  if (steps.length !== 1 || !isMetaspace(last) || !prefixed) {
    throw notAlbert('pre_tokenizer', 'Metaspace that always prepends, or WhitespaceSplit and Metaspace', last);
  }
}

function checkDecoder(value: unknown): void {
  const decoder = readObject(value, 'decoder', FILE);
  if (!isMetaspace(decoder)) throw notAlbert('decoder', 'Metaspace', decoder);
}

function isMetaspace(step: JsonObject | undefined): boolean {
  return (
    step?.type === 'Metaspace' &&
    (step.replacement ?? SPACE_MARK) === SPACE_MARK &&
    (step.str_rep ?? SPACE_MARK) === SPACE_MARK
  );
}

function isReplace(step: JsonObject, pattern: JsonObject, content: string): boolean {
  return step.type === 'Replace' && step.content === content && same(step.pattern, pattern);
}

function readModel(value: unknown): { pieces: readonly string[]; scores: Float32Array; unknownId: number } {
  const model = readObject(value, 'model', FILE);
  if ((model.type ?? 'Unigram') !== 'Unigram') throw notAlbert('model', 'Unigram', model);
  if (model.byte_fallback === true) throw mismatch('ERR_TOKENIZER', 'byte_fallback', 'false', true, FILE);
  const vocabulary = new VocabularyBuilder(FILE);
  for (const [id, entry] of readArray(model.vocab, 'model.vocab', FILE).entries()) {
    const [piece, score] = Array.isArray(entry) && entry.length === 2 ? entry : [];
    if (typeof piece !== 'string' || typeof score !== 'number') {
      throw mismatch('ERR_TOKENIZER', `model.vocab[${id}]`, '[piece, score]', entry, FILE);
    }
    vocabulary.add(piece, score);
  }
  const { pieces } = vocabulary;
  const unknownId = model.unk_id;
  if (!Number.isInteger(unknownId) || pieces[unknownId as number] === undefined) {
    throw mismatch('ERR_TOKENIZER', 'unk_id', `an id < ${pieces.length}`, unknownId, FILE);
  }
  return { pieces, scores: vocabulary.scores(), unknownId: unknownId as number };
}

/** Ids are those of the pieces, or follow on from the last piece. */
function readAddedTokens(value: unknown, pieces: readonly string[]): AddedToken[] {
  let next = pieces.length;
  const contents = new Set<string>();
  return readArray(value ?? [], 'added_tokens', FILE).map((item, i) => {
    const where = `added_tokens[${i}]`;
    const { id, content, special, normalized, single_word } = readObject(item, where, FILE);
    if (typeof content !== 'string') throw mismatch('ERR_TOKENIZER', `${where}.content`, 'a string', content, FILE);
    checkPiece(content, `${where} of ${FILE}`);
    if (contents.has(content)) throw mismatch('ERR_TOKENIZER', `${where}.content`, 'no token twice', content, FILE);
    contents.add(content);
    const known = typeof id === 'number' && pieces[id] === content;
    if (!known && (id !== next || next >= MAX_PIECES)) {
      throw mismatch('ERR_TOKENIZER', `${where}.id`, `the id of ${JSON.stringify(content)}, or ${next}`, id, FILE);
    }
    if (single_word === true) throw mismatch('ERR_TOKENIZER', `${where}.single_word`, 'false', true, FILE);
    if (!known) next++;
    // White space around a token never makes a piece, so `lstrip` and `rstrip` change nothing.
    return { id: id as number, content, special: special === true, normalized: normalized === true };
  });
}

/** [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with B and its [SEP] of type 1. */
function checkPostProcessor(value: unknown, special: SpecialTokens, pieces: readonly string[]): void {
  const processor = readObject(value, 'post_processor', FILE);
  const token = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const { cls_token: cls, sep_token: sep } = special;
  const single = [token(cls, 0), sequence('A', 0), token(sep, 0)];
  const pair = [...single, sequence('B', 1), token(sep, 1)];
  if (processor.type !== 'TemplateProcessing' || !same(processor.single, single) || !same(processor.pair, pair)) {
    throw notAlbert('post_processor', `TemplateProcessing of ${cls} A ${sep} and ${cls} A ${sep} B ${sep}`, processor);
  }
  const specialTokens = readObject(processor.special_tokens, 'special_tokens', FILE);
  for (const content of [cls, sep]) {
    const { ids } = readObject(specialTokens[content], `special_tokens.${content}`, FILE);
    if (!same(ids, [pieces.indexOf(content)])) {
      throw mismatch('ERR_TOKENIZER', `special_tokens.${content}.ids`, `[${pieces.indexOf(content)}]`, ids, FILE);
    }
  }
}

/** The steps of a Sequence, a single step, or none for null. */
function listOf(value: unknown, title: string, key: string): unknown[] {
  if (value === null || value === undefined) return [];
  const component = readObject(value, title, FILE);
  return component.type === 'Sequence' ? readArray(component[key], `${title}.${key}`, FILE) : [component];
}

function decodeBase64(value: unknown): Uint8Array {
  let binary: string;
  try {
    if (typeof value !== 'string') throw new TypeError('not a string');
    binary = atob(value);
  } catch (cause) {
    throw mismatch('ERR_TOKENIZER', 'precompiled_charsmap', 'base64', value, FILE, { cause });
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Shows the offending component's fields: its type alone does not say what is wrong with it. */
function notAlbert(title: string, expected: string, got: unknown) {
  return mismatch('ERR_TOKENIZER', title, expected, describe(got), FILE);
}
