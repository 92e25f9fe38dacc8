/**
 * Mutated tokenizer files: each loads and encodes within its limits, or is ERR_TOKENIZER. `FUZZ_SEED` and `FUZZ_CASES` choose
 * another or a longer run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { AlbertError } from '../../src/ground/errors.js';
import { AlbertTokenizer } from '../../src/tokenizer/tokenizer.js';
import { stateCases } from '../support/cases.js';
import { addedToken, layouts, readSpiece, wordPieceJson, wordPieces } from '../tokenizer/layouts.js';
import { multilingualLine } from '../tokenizer/lines.js';
import { SPIECE, seeded } from '../tokenizer/support.js';

const test = suite('tokenizer files of strangers');

const SEED = Number(process.env.FUZZ_SEED ?? 20260101);
const CASES = Math.ceil(Number(process.env.FUZZ_CASES ?? 6000) / 12);
const LEAST = process.env.FUZZ_CASES === undefined ? 500 : 1;

type Random = (below: number) => number;

/** Refused, or loaded: then it encodes lines that special tokens split, with offsets inside them, and decodes its ids. */
async function tryFiles(files: Record<string, string | Uint8Array>, random: Random, what: string): Promise<boolean> {
  try {
    const tokenizer = await AlbertTokenizer.from_pretrained(files);
    const { cls_token, mask_token } = tokenizer;
    const line = [0, 1, 2].map(() => multilingualLine(random, 30)).join(random(2) ? cls_token : mask_token);
    const { input_ids, offsets } = tokenizer.encode(line);
    assert.ok(
      input_ids.every((id) => id >= 0 && id < tokenizer.vocab_size),
      what,
    );
    assert.ok(
      offsets.every(([start, end]) => start >= 0 && start <= end && end <= line.length),
      what,
    );
    tokenizer.decode(input_ids);
    return true;
  } catch (error) {
    assert.instance(error, AlbertError, `${what}: ${(error as Error).stack}`);
    assert.ok(['ERR_TOKENIZER', 'ERR_TOO_LONG'].includes((error as AlbertError).code), `${what}: ${error}`);
    return false;
  }
}

/** Many files of one kind; some must load, and some must not. */
function suiteOf(name: string, cases: number, make: (random: Random) => Record<string, string | Uint8Array>): void {
  test(`${name}: ${cases} files from seed ${SEED}`, async () => {
    const random = seeded(SEED);
    let loaded = 0;
    for (let i = 0; i < cases; i++)
      if (await tryFiles(make(random), random, `file ${i} of FUZZ_SEED=${SEED}`)) loaded++;
    assert.ok(loaded > cases / 50 && loaded < cases, `${loaded} of ${cases} loaded`);
    stateCases(cases, Math.min(cases, LEAST));
  });
}

const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e9,
  1.5,
  '',
  'x',
  '##',
  '▁',
  [],
  {},
  [[]],
  'NFKC',
  'Lowercase',
];

/** Puts another value somewhere into a JSON file, or takes one away. */
function mutate(value: unknown, random: Random, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || (depth > 0 && random(3) === 0)) {
    return ODD_VALUES[random(ODD_VALUES.length)];
  }
  const copy = Array.isArray(value) ? [...value] : { ...value };
  const keys = Object.keys(copy);
  if (keys.length === 0) return ODD_VALUES[random(ODD_VALUES.length)];
  const key = keys[random(Math.min(keys.length, 40))] as keyof typeof copy;
  if (random(8) === 0) delete copy[key];
  else copy[key] = mutate(copy[key], random, depth + 1) as never;
  return copy;
}

const LAYOUTS: object[] = Object.values(
  layouts({ ...readSpiece(SPIECE), pieces: readSpiece(SPIECE).pieces.slice(0, 200) }),
);

suiteOf('tokenizer.json of unigram', CASES, (random) => {
  const file = LAYOUTS[random(LAYOUTS.length)] as Record<string, unknown>;
  return { 'tokenizer.json': JSON.stringify(mutate(file, random)) };
});

suiteOf('tokenizer.json of WordPiece', CASES, (random) => {
  const file = wordPieceJson({ lowercase: random(2) === 0 }, wordPieces().slice(0, 60));
  return { 'tokenizer.json': JSON.stringify(mutate(file, random)) };
});

suiteOf('vocab.txt', CASES, (random) => {
  const bytes = Buffer.from(wordPieces().slice(0, 80).join(['\n', '\r\n', '\r'][random(3)]));
  const length = random(4) === 0 ? random(bytes.length) : bytes.length;
  const cut = Uint8Array.from(bytes.subarray(0, length));
  for (let changes = random(4); changes > 0; changes--) cut[random(cut.length)] = random(3) === 0 ? 0x0a : random(128);
  return { 'vocab.txt': cut };
});

/** A character map over the shipped one, with units changed: cycles, leaves, ways out. */
const CHARSMAP = Buffer.from(readSpiece(SPIECE).charsmap as string, 'base64');

suiteOf('character maps', Math.ceil(CASES / 5), (random) => {
  const map = Buffer.from(CHARSMAP);
  const units = map.readUInt32LE(0) / 4;
  // The first units are those of what texts have most of.
  const changes = 1 + random(8);
  for (let i = 0; i < changes; i++) {
    const at = 4 + 4 * random(random(2) ? 512 : units);
    map.writeUInt32LE(random(2) ? map.readUInt32LE(4 + 4 * random(units)) : random(2 ** 31) * 2, at);
  }
  const file = structuredClone(LAYOUTS[1]) as { normalizer: { normalizers: Record<string, unknown>[] } };
  for (const step of file.normalizer.normalizers) {
    if (step.type === 'Precompiled') step.precompiled_charsmap = map.toString('base64');
  }
  return { 'tokenizer.json': JSON.stringify(file) };
});

suiteOf('files beside', CASES, (random) => {
  const word = (i: number) => ({ ...addedToken(200 + i, `w${i}`), id: undefined, normalized: random(2) === 0 });
  const config = { do_lower_case: true, added_tokens_decoder: { 200: word(0), 201: word(1), [random(300)]: word(2) } };
  return {
    'tokenizer.json': JSON.stringify(LAYOUTS[0]),
    ...(random(2) && { 'tokenizer_config.json': JSON.stringify(random(2) ? mutate(config, random) : config) }),
    ...(random(2) && { 'added_tokens.json': JSON.stringify(mutate({ w0: 200, w1: 201, w2: random(300) }, random)) }),
    ...(random(2) && { 'special_tokens_map.json': JSON.stringify(mutate({ mask_token: '[MASK]' }, random)) }),
  };
});

test.run();
