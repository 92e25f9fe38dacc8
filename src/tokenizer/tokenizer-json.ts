/**
 * Reads `tokenizer.json` into a tokenizer definition, and refuses every component that no ALBERT has: nothing in the file is
 * compiled or run, its regular expressions included.
 *
 * Source: the serialisation of Hugging Face's tokenizers.
 */
import { mismatch } from '../ground/errors.js';
import { addedVocabulary } from './added-vocabulary.js';
import { specialTokens, type TokenizerConfig } from './config.js';
import {
  type AddedToken,
  checkPiece,
  MAX_PIECES,
  type SpecialTokens,
  type TokenizerDefinition,
  type Vocabulary,
  VocabularyBuilder,
} from './definition.js';
import { type JsonObject, listOf, notAlbert, parseObject, readArray, readFlag, readObject, same } from './json.js';
import { type MetaspaceSettings, metaspace, SPACE_MARK } from './metaspace.js';
import { readSteps } from './steps-json.js';
import { Unigram } from './unigram.js';

/** The largest `tokenizer.json`. That of 250,000 pieces has 17 MB. */
const MAX_TOKENIZER_JSON_BYTES = 32 << 20;

const FILE = 'tokenizer.json';

/** @throws ERR_TOKENIZER naming the component that is malformed, out of bounds or not ALBERT's */
export async function readTokenizerJson(bytes: Uint8Array, config: TokenizerConfig): Promise<TokenizerDefinition> {
  const file = parseObject(bytes, FILE, MAX_TOKENIZER_JSON_BYTES);
  const steps = await readSteps(file.normalizer, config);
  const model = readObject(file.model, 'model', FILE);
  const vocabulary =
    model.type === 'WordPiece'
      ? (await import('./rare.js')).readWordPiece(model, file.pre_tokenizer, file.decoder)
      : readUnigram(model, file.pre_tokenizer, file.decoder);
  const { pieces, idOf } = vocabulary;
  const special = specialTokens(config, vocabulary.model.kind);
  const added = readAddedTokens(file.added_tokens, pieces, idOf);
  checkPostProcessor(file.post_processor, special, idOf);
  return {
    pieces,
    model: vocabulary.model,
    addedTokens: addedVocabulary(added, pieces, idOf, config, special),
    steps,
  };
}

function readUnigram(model: JsonObject, preTokenizer: unknown, decoder: unknown): Vocabulary {
  if ((model.type ?? 'Unigram') !== 'Unigram') throw notAlbert('model', 'Unigram or WordPiece', model);
  const settings = readPreTokenizer(preTokenizer);
  if (!isMetaspace(readObject(decoder, 'decoder', FILE))) throw notAlbert('decoder', 'Metaspace', decoder);
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
  const scores = vocabulary.scores();
  return {
    pieces,
    idOf: (piece) => vocabulary.idOf(piece),
    // The library matches every piece, special tokens and the unknown one included, and counts all of their scores.
    model: new Unigram({
      pieces,
      scores,
      unknownId: unknownId as number,
      worstScore: scores.reduce((low, score) => Math.min(low, score), Number.POSITIVE_INFINITY),
      isMatchable: () => true,
      markSpaces: metaspace(settings),
      rounds: false,
    }),
  };
}

/** Metaspace, with or without WhitespaceSplit before it. */
function readPreTokenizer(value: unknown): MetaspaceSettings {
  const steps = listOf(value, 'pre_tokenizer', 'pretokenizers', FILE).map((step, i) =>
    readObject(step, `pretokenizers[${i}]`, FILE),
  );
  const splitsWhiteSpace = steps.length === 2 && steps[0]?.type === 'WhitespaceSplit';
  if (splitsWhiteSpace) steps.shift();
  const [step] = steps;
  const prepends = step?.prepend_scheme ?? (step?.add_prefix_space === false ? 'never' : 'always');
  const known = prepends === 'always' || prepends === 'first' || prepends === 'never';
  if (steps.length !== 1 || !isMetaspace(step) || !known) {
    throw notAlbert('pre_tokenizer', 'Metaspace, or WhitespaceSplit and Metaspace', value);
  }
  return { splitsWhiteSpace, prepends, splits: step?.split !== false };
}

function isMetaspace(step: JsonObject | undefined): boolean {
  return (
    step?.type === 'Metaspace' &&
    (step.replacement ?? SPACE_MARK) === SPACE_MARK &&
    (step.str_rep ?? SPACE_MARK) === SPACE_MARK
  );
}

/** An id is that of the piece, or the next one after the last piece. */
function readAddedTokens(value: unknown, pieces: readonly string[], idOf: Vocabulary['idOf']): AddedToken[] {
  let next = pieces.length;
  const contents = new Set<string>();
  return readArray(value ?? [], 'added_tokens', FILE).map((item, i) => {
    const where = `added_tokens[${i}]`;
    const token = readObject(item, where, FILE);
    const { id, content } = token;
    if (typeof content !== 'string') throw mismatch('ERR_TOKENIZER', `${where}.content`, 'a string', content, FILE);
    checkPiece(content, `${where} of ${FILE}`);
    if (contents.has(content)) throw mismatch('ERR_TOKENIZER', `${where}.content`, 'no token twice', content, FILE);
    contents.add(content);
    const known = idOf(content);
    if (known === undefined ? id !== next || next >= MAX_PIECES : id !== known) {
      const expected = `the id of ${JSON.stringify(content)}, or ${next}`;
      throw mismatch('ERR_TOKENIZER', `${where}.id`, expected, id, FILE);
    }
    if (known === undefined) next++;
    const flag = (key: string) => readFlag(token, key, `${where}.${key}`, FILE) ?? false;
    return {
      id: id as number,
      content,
      special: flag('special'),
      normalized: flag('normalized'),
      lstrip: flag('lstrip'),
      rstrip: flag('rstrip'),
      single_word: flag('single_word'),
    };
  });
}

/** [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with B and its [SEP] of type 1. BertProcessing means the same. */
function checkPostProcessor(value: unknown, special: SpecialTokens, idOf: Vocabulary['idOf']): void {
  const processor = readObject(value, 'post_processor', FILE);
  const { cls_token: cls, sep_token: sep } = special;
  if (processor.type === 'BertProcessing') {
    const expected = { cls: [cls, idOf(cls)], sep: [sep, idOf(sep)] };
    if (same({ cls: processor.cls, sep: processor.sep }, expected)) return;
    throw notAlbert('post_processor', `BertProcessing with ${cls} and ${sep} and their ids`, processor);
  }
  const token = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const single = [token(cls, 0), sequence('A', 0), token(sep, 0)];
  const pair = [...single, sequence('B', 1), token(sep, 1)];
  if (processor.type !== 'TemplateProcessing' || !same(processor.single, single) || !same(processor.pair, pair)) {
    throw notAlbert('post_processor', `TemplateProcessing of ${cls} A ${sep} and ${cls} A ${sep} B ${sep}`, processor);
  }
  const specials = readObject(processor.special_tokens, 'special_tokens', FILE);
  for (const content of [cls, sep]) {
    const { ids } = readObject(specials[content], `special_tokens.${content}`, FILE);
    if (!same(ids, [idOf(content)])) {
      throw mismatch('ERR_TOKENIZER', `special_tokens.${content}.ids`, `[${idOf(content)}]`, ids, FILE);
    }
  }
}
