/** `tokenizer.json` as the versions of transformers have written it for ALBERT, over the pieces of a `spiece.model`. */
import { PbfReader } from 'pbf';

export interface SpieceFile {
  readonly pieces: readonly (readonly [piece: string, score: number, type: number])[];
  /** Base64; undefined where there is none. */
  readonly charsmap: string | undefined;
}

export function readSpiece(bytes: Uint8Array): SpieceFile {
  const pieces: [string, number, number][] = [];
  let charsmap: string | undefined;
  new PbfReader(bytes).readFields((field, _, reader) => {
    if (field === 1) {
      const found: [string, number, number] = ['', 0, 1];
      const end = reader.readVarint() + reader.pos;
      reader.readFields(
        (inner) => {
          if (inner === 1) found[0] = reader.readString();
          else if (inner === 2) found[1] = reader.readFloat();
          else if (inner === 3) found[2] = reader.readVarint();
        },
        undefined,
        end,
      );
      pieces.push(found);
    } else if (field === 3) {
      const end = reader.readVarint() + reader.pos;
      reader.readFields(
        (inner) => {
          if (inner === 2) charsmap = Buffer.from(reader.readBytes()).toString('base64');
        },
        undefined,
        end,
      );
    }
  }, undefined);
  return { pieces, charsmap };
}

type Json = Record<string, unknown>;

const SPECIALS = ['<pad>', '<unk>', '[CLS]', '[SEP]', '[MASK]'];
const QUOTES: Json[] = [
  { type: 'Replace', pattern: { String: '``' }, content: '"' },
  { type: 'Replace', pattern: { String: "''" }, content: '"' },
];
const SPACES: Json = { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' };
const ACCENTS: Json[] = [{ type: 'NFKD' }, { type: 'StripAccents' }];
const LOWER: Json = { type: 'Lowercase' };
const METASPACE: Json = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };
/** As transformers 4.0 wrote it. */
const OLD_METASPACE: Json = { type: 'Metaspace', replacement: '▁', str_rep: '▁', add_prefix_space: true };

export function template(sep = 3, cls = 2): Json {
  const token = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const single = [token('[CLS]', 0), sequence('A', 0), token('[SEP]', 0)];
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, sequence('B', 1), token('[SEP]', 1)],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [cls], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [sep], tokens: ['[SEP]'] },
    },
  };
}

export function addedToken(id: number, content: string, more: Json = {}): Json {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...more };
}

function split(...pretokenizers: Json[]): Json {
  return { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, ...pretokenizers] };
}

/** The layouts by name, each a fresh object. */
export function layouts({ pieces, charsmap }: SpieceFile): Record<string, Json> {
  const precompiled: Json[] = charsmap === undefined ? [] : [{ type: 'Precompiled', precompiled_charsmap: charsmap }];
  const vocab = pieces.map(([piece, score]) => [piece, /\p{Nd},$/u.test(piece) ? score - 100 : score]);
  const file = (normalizers: Json[] | null, pre_tokenizer: Json, decoder = METASPACE): Json => ({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIALS.map((content, id) => addedToken(id, content, { lstrip: content === '[MASK]' })),
    normalizer: normalizers && { type: 'Sequence', normalizers },
    pre_tokenizer,
    post_processor: template(),
    decoder,
    model: { type: 'Unigram', unk_id: 1, vocab },
  });
  const added = (base: Json, tokens: Json[]): Json => ({
    ...base,
    added_tokens: [...(base.added_tokens as Json[]), ...tokens],
  });
  const steps = [...QUOTES, ...ACCENTS, LOWER, ...precompiled];
  const next = pieces.length;
  return {
    official: file(steps, split(OLD_METASPACE), OLD_METASPACE),
    'transformers 4': file([...steps, SPACES], METASPACE),
    'transformers 4, cased': file([...QUOTES, ...precompiled, SPACES], METASPACE),
    'transformers 5.0': file([...QUOTES, ...ACCENTS, LOWER, SPACES, ...ACCENTS, LOWER, SPACES], split(METASPACE)),
    'no normalizer': file(null, METASPACE),
    'Nmt and NFKC': file([{ type: 'Nmt' }, { type: 'NFKC' }, SPACES], METASPACE),
    'every step': file(
      [
        { type: 'Strip', strip_left: true, strip_right: true },
        { type: 'NFC' },
        { type: 'Sequence', normalizers: [{ type: 'NFD' }, { type: 'Lowercase' }] },
        { type: 'Replace', pattern: { String: 'a.' }, content: '' },
        { type: 'NFC' },
        ...precompiled,
        { type: 'Prepend', prepend: '▁' },
      ],
      { ...METASPACE, prepend_scheme: 'never' },
    ),
    'only the first word marked': file([SPACES], split({ ...METASPACE, prepend_scheme: 'first' })),
    'words not split': file([SPACES], { ...METASPACE, split: false }),
    'added words': added(file([...steps, SPACES], METASPACE), [
      addedToken(next, 'mewhomp', { special: false, normalized: true }),
      addedToken(next + 1, 'Straße', { special: false, normalized: true, single_word: true }),
      addedToken(next + 2, '日本', { special: false, lstrip: true, rstrip: true }),
      addedToken(next + 3, 'BROWN', { special: false, single_word: true, rstrip: true }),
      addedToken(
        pieces.findIndex(([piece]) => piece === '-'),
        '-',
        { special: false, lstrip: true },
      ),
    ]),
  };
}

/** A WordPiece vocabulary of single characters, English pieces and what hostile lines hold. */
export function wordPieces(): string[] {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  const words = 'the quick brown fox jumped over un want do no not naive ing ed s on in er st strasse'.split(' ');
  const others = 'यहहन्दभाषतமழภาไทย日本語中文國の가각אבגالعربية.,!?\'"#@-_()[]{}<>…“”、。，©½σς'.normalize('NFC');
  const pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...letters, ...words, ...others];
  return [...new Set([...pieces, ...[...letters, ...words, ...others].map((piece) => `##${piece}`)])];
}

export function wordPieceJson(normalizer: Json = {}, pieces = wordPieces()): Json {
  const settings = { clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: pieces.slice(0, 5).map((content, id) => addedToken(id, content)),
    normalizer: { type: 'BertNormalizer', ...settings, ...normalizer },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: template(),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    },
  };
}
