/**
 * Reads `spiece.model`, SentencePiece's protobuf, into a tokenizer definition by Hugging Face's rules for ALBERT.
 *
 * Source: `sentencepiece_model.proto`; `AlbertConverter` in transformers' convert_slow_tokenizer.py.
 */
import { PbfReader } from 'pbf';

import { AlbertError, mismatch } from '../ground/errors.js';
import { addedVocabulary } from './added-vocabulary.js';
import { albertSteps } from './albert-steps.js';
import { Charsmap } from './charsmap.js';
import { specialTokens, type TokenizerConfig } from './config.js';
import { type TokenizerDefinition, VocabularyBuilder } from './definition.js';
import { markRuns } from './metaspace.js';
import { Unigram } from './unigram.js';

/** The largest `spiece.model`. ALBERT's has 30,000 pieces in 0.7 MiB. */
const MAX_SPIECE_BYTES = 16 << 20;

const FILE = 'spiece.model';
const UNIGRAM = 1;
const NORMAL = 1;
const UNKNOWN = 2;
const USER_DEFINED = 4;
const BYTE = 6;
const [BYTES, FLOAT, VARINT] = [2, 5, 0];

/** @throws ERR_TOKENIZER naming what is malformed, out of bounds or not ALBERT's */
export function readSentencePiece(bytes: Uint8Array, config: TokenizerConfig): TokenizerDefinition {
  if (bytes.length > MAX_SPIECE_BYTES) {
    throw mismatch('ERR_TOKENIZER', FILE, `at most ${MAX_SPIECE_BYTES} bytes`, `${bytes.length} bytes`);
  }
  const vocabulary = new VocabularyBuilder(FILE);
  const types: number[] = [];
  let worstScore = Number.POSITIVE_INFINITY;
  let charsmap: Uint8Array | undefined;
  readMessage(bytes, 'ModelProto', (field, reader) => {
    if (field === 1) {
      const { piece, score, type } = readPiece(readBytes(reader, 'pieces'));
      vocabulary.add(piece, endsInDigitAndComma(piece) ? score - 100 : score);
      types.push(type);
      // As the C++ code has it, which lowers no score: an unknown character must not become more costly.
      if (type === NORMAL) worstScore = Math.min(worstScore, score);
    } else if (field === 2) checkTrainerSpec(readBytes(reader, 'trainer_spec'));
    else if (field === 3) charsmap = readNormalizerSpec(readBytes(reader, 'normalizer_spec'));
  });
  const unknown = types.flatMap((type, id) => (type === UNKNOWN ? [id] : []));
  if (unknown.length !== 1) throw mismatch('ERR_TOKENIZER', 'pieces', 'one unknown piece', unknown.length, FILE);
  const { pieces } = vocabulary;
  const idOf = (piece: string) => vocabulary.idOf(piece);
  const special = specialTokens(config, 'unigram');
  const { given } = config;
  return {
    pieces,
    model: new Unigram({
      pieces,
      scores: vocabulary.scores(),
      unknownId: unknown[0] as number,
      worstScore: Number.isFinite(worstScore) ? worstScore : 0,
      isMatchable: (id) => types[id] === NORMAL || types[id] === USER_DEFINED,
      markSpaces: markRuns,
      rounds: true,
    }),
    addedTokens: addedVocabulary([], pieces, idOf, config, special),
    steps: albertSteps(
      {
        remove_space: config.remove_space,
        keep_accents: given.keep_accents ?? config.keep_accents ?? false,
        do_lower_case: given.do_lower_case ?? config.do_lower_case ?? true,
      },
      charsmap && new Charsmap(charsmap),
    ),
  };
}

/** ALBERT prefers `▁2008` `,` to `▁2008,`: its tokenizer splits such pieces, and the conversion makes them costly. */
function endsInDigitAndComma(piece: string): boolean {
  return /\p{Nd},$/u.test(piece);
}

function readPiece(bytes: Uint8Array): { piece: string; score: number; type: number } {
  const result = { piece: '', score: 0, type: NORMAL };
  readMessage(bytes, 'piece', (field, reader) => {
    if (field === 1) result.piece = decodeUtf8(readBytes(reader, 'piece'));
    else if (field === 2) result.score = expectType(reader, FLOAT, 'score').readFloat();
    else if (field === 3) result.type = expectType(reader, VARINT, 'type').readVarint();
  });
  if (result.type === BYTE) throw mismatch('ERR_TOKENIZER', 'type', 'no byte pieces', result.piece, FILE);
  return result;
}

function checkTrainerSpec(bytes: Uint8Array): void {
  let modelType = UNIGRAM;
  readMessage(bytes, 'trainer_spec', (field, reader) => {
    if (field === 3) modelType = expectType(reader, VARINT, 'model_type').readVarint();
    else if (field === 24) expectFlag(reader, 'treat_whitespace_as_suffix', false);
  });
  if (modelType !== UNIGRAM) throw mismatch('ERR_TOKENIZER', 'model_type', '1 (unigram)', modelType, FILE);
}

function readNormalizerSpec(bytes: Uint8Array): Uint8Array | undefined {
  let charsmap: Uint8Array | undefined;
  readMessage(bytes, 'normalizer_spec', (field, reader) => {
    if (field === 2) charsmap = readBytes(reader, 'precompiled_charsmap');
    else if (field === 3) expectFlag(reader, 'add_dummy_prefix', true);
    else if (field === 4) expectFlag(reader, 'remove_extra_whitespaces', true);
    else if (field === 5) expectFlag(reader, 'escape_whitespaces', true);
  });
  return charsmap?.length === 0 ? undefined : charsmap;
}

/** Reads every field of a message that must fill its bytes exactly; pbf alone reads past the end without an error. */
function readMessage(bytes: Uint8Array, name: string, readField: (field: number, reader: PbfReader) => void): void {
  const reader = new PbfReader(bytes);
  try {
    reader.readFields((field) => readField(field, reader), undefined);
  } catch (cause) {
    if (cause instanceof AlbertError) throw cause;
    throw mismatch('ERR_TOKENIZER', name, 'a protobuf message', (cause as Error).message, FILE, { cause });
  }
  if (reader.pos !== bytes.length) {
    throw mismatch('ERR_TOKENIZER', name, `a message of ${bytes.length} bytes`, `an end at byte ${reader.pos}`, FILE);
  }
}

function readBytes(reader: PbfReader, name: string): Uint8Array {
  const bytes = expectType(reader, BYTES, name).readBytes();
  if (reader.pos > reader.length) {
    throw mismatch('ERR_TOKENIZER', name, `an end at byte ${reader.length} or before`, reader.pos, FILE);
  }
  return bytes;
}

function expectType(reader: PbfReader, type: number, name: string): PbfReader {
  if (reader.type !== type) throw mismatch('ERR_TOKENIZER', name, `wire type ${type}`, reader.type, FILE);
  return reader;
}

function expectFlag(reader: PbfReader, name: string, expected: boolean): void {
  const flag = expectType(reader, VARINT, name).readBoolean();
  if (flag !== expected) throw mismatch('ERR_TOKENIZER', name, String(expected), flag, FILE);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}
