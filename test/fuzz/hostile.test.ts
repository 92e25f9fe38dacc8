/**
 * Strangers' files: any value in them nested, any name in them written with what acts on a terminal. Each loads or is an
 * AlbertError with a code, in a bounded line in which nothing acts. `FUZZ_SEED` and `FUZZ_CASES` choose another or a longer run.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertError, AlbertModel, AlbertTokenizer, type ModelFiles } from '../../src/entry/index.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { stateCases } from '../support/cases.js';
import { TINY } from '../support/tiny.js';
import { CONFIG, seeded, smallTokenizerJson } from '../tokenizer/support.js';

const test = suite('hostile files');

const SEED = Number(process.env.FUZZ_SEED ?? 20260101);
const CASES = Number(process.env.FUZZ_CASES ?? 900);

const ACTING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
/** C0, DEL, C1, zero width, bidi overrides and isolates, separators of lines, tags, a half of a character. */
const CHARACTERS = ['\u001b[2J', '\0', '\r\n', '\u007f', '\u009b31m', '\u0085', '\u200b', '\u202e', '\u2066', '\u2028'];
const MORE = ['\u2029', '\ufeff', '\u{e0041}', '\ud800', '\u061c', '\u00ad', 'plain'];

type Random = (bound: number) => number;

/** What opens, is in the middle of, and closes deep values: written as text, since JSON.stringify is as deep as they. */
const DEEP = [
  ['[', '', ']'],
  ['{"a":', '1', '}'],
  ['[1,', '2', ']'],
  ['{"constructor":', '{"name": {}}', '}'],
] as const;

/** JSON in which a text such as `@deep 2 7000` is the deep value that it names. */
function stringify(json: unknown): string {
  return JSON.stringify(json).replace(/"@deep (\d) (\d+)"/g, (_, kind, times) => {
    const [open, middle, close] = DEEP[kind as 0];
    return `${open.repeat(Number(times))}${middle}${close.repeat(Number(times))}`;
  });
}

/** A value that is deep or odd. */
function oddValue(random: Random): unknown {
  const deep = () => `@deep ${random(DEEP.length)} ${1000 + random(20_000)}`;
  const kinds: (() => unknown)[] = [
    deep,
    deep,
    deep,
    () => hostileName(random),
    () => ({ [hostileName(random)]: hostileName(random) }),
    () => ({ constructor: { name: hostileName(random) }, toString: 1, length: -1 }),
    () => Array(random(100_000)).fill(hostileName(random)),
    () => null,
    () => random(2) === 0,
    () => -random(1000),
    () => 'x'.repeat(random(200_000)),
  ];
  return kinds[random(kinds.length)]!();
}

function hostileName(random: Random): string {
  const all = [...CHARACTERS, ...MORE];
  return Array.from({ length: 1 + random(4) }, () => all[random(all.length)]).join('name');
}

/** A copy with one value made odd, or one key renamed or added, wherever in it. */
function changed(json: unknown, random: Random): unknown {
  if (typeof json !== 'object' || json === null || random(4) === 0) return oddValue(random);
  if (Array.isArray(json)) {
    return json.length === 0 ? [oddValue(random)] : json.with(random(json.length), changed(json[0], random));
  }
  const entries = Object.entries(json);
  const at = random(entries.length);
  const [key, value] = entries[at] ?? ['', 0];
  const kind = random(4);
  if (kind === 0) entries[at] = [hostileName(random), value];
  else if (kind === 1) entries.push([hostileName(random), oddValue(random)]);
  else entries[at] = [key, changed(value, random)];
  return Object.fromEntries(entries);
}

/** The error of a load, if it has one; anything else than ours fails. */
async function errorOf(what: string, load: () => Promise<unknown>): Promise<AlbertError | undefined> {
  try {
    await load();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AlbertError, `${what}: ${(error as Error)?.stack ?? error}`);
    for (const line of error.message.split('\n')) {
      assert.not.match(line, ACTING, what);
      assert.ok(line.length < 3000, `${what}: ${line.length} characters`);
    }
    assert.ok(error.message.split('\n').length <= 22, what);
    return error;
  }
}

const model = await AlbertModel.from_config(TINY);
const tensors = [...model.params].map(([name, { shape, data }]) => ({ name, shape, data }));
await model.dispose();
const WEIGHTS = encodeSafetensors(tensors, 'F32', {});
const tokenizerJson = smallTokenizerJson();
const tokenizerConfig = JSON.parse(new TextDecoder().decode(CONFIG));

/** A safetensors file with another header. */
function withHeader(json: unknown): Uint8Array {
  const { buffer, byteOffset } = WEIGHTS;
  const length = Number(new DataView(buffer, byteOffset).getBigUint64(0, true));
  const header = new TextEncoder().encode(stringify(json));
  const file = new Uint8Array(8 + header.length + WEIGHTS.length - 8 - length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(WEIGHTS.subarray(8 + length), 8 + header.length);
  return file;
}
const headerLength = Number(new DataView(WEIGHTS.buffer, WEIGHTS.byteOffset).getBigUint64(0, true));
const header = JSON.parse(new TextDecoder().decode(WEIGHTS.subarray(8, 8 + headerLength)));
const index = { metadata: {}, weight_map: Object.fromEntries(tensors.map(({ name }) => [name, 'a.safetensors'])) };
const config = JSON.stringify({ ...TINY, id2label: { 0: 'a', 1: 'b' }, architectures: ['AlbertModel'] });

/** One file of a model made hostile, and what reads it. */
const FILES: Record<string, (random: Random) => [ModelFiles, 'model' | 'tokenizer']> = {
  'config.json': (random) => [
    { 'config.json': stringify(changed(JSON.parse(config), random)), 'model.safetensors': WEIGHTS },
    'model',
  ],
  'model.safetensors': (random) => [
    { 'config.json': config, 'model.safetensors': withHeader(changed(header, random)) },
    'model',
  ],
  'model.safetensors.index.json': (random) => [
    {
      'config.json': config,
      'a.safetensors': WEIGHTS,
      'model.safetensors.index.json': stringify(changed(index, random)),
    },
    'model',
  ],
  'tokenizer.json': (random) => [{ 'tokenizer.json': stringify(changed(tokenizerJson, random)) }, 'tokenizer'],
  'tokenizer_config.json': (random) => [
    {
      'tokenizer.json': JSON.stringify(tokenizerJson),
      'tokenizer_config.json': stringify(changed(tokenizerConfig, random)),
    },
    'tokenizer',
  ],
  'no JSON': (random) => [{ 'config.json': `{"a": ${hostileName(random)}`, 'model.safetensors': WEIGHTS }, 'model'],
};

test(`${CASES} hostile files from seed ${SEED}`, async () => {
  const refused = new Map<string, number>();
  for (let i = 0; i < CASES; i++) {
    const random = seeded(SEED + i);
    const [name, make] = Object.entries(FILES)[i % Object.keys(FILES).length]!;
    const [files, kind] = make(random);
    const what = `case ${i} of FUZZ_SEED=${SEED}, ${name}`;
    const error = await errorOf(what, async () => {
      if (kind === 'model') return (await AlbertModel.from_pretrained(files, { worker: i % 97 === 0 })).dispose();
      return (await AlbertTokenizer.from_pretrained(files)).encode(`a ${hostileName(random)} [MASK]`);
    });
    if (error !== undefined) refused.set(name, (refused.get(name) ?? 0) + 1);
  }
  for (const name of Object.keys(FILES)) {
    assert.ok((refused.get(name) ?? 0) > CASES / 60, `${name}: ${JSON.stringify([...refused])}`);
  }
  stateCases(CASES, process.env.FUZZ_CASES === undefined ? 900 : 1);
});

test('a configuration nests 64 deep at most, also in keys that are not read', async () => {
  const load = async (depth: number) => {
    const extra = `${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`;
    const files = { 'config.json': config.replace('{', `{"extra": ${extra},`), 'model.safetensors': WEIGHTS };
    await (await AlbertModel.from_pretrained(files)).dispose();
  };
  await load(64);
  for (const depth of [65, 30_000]) {
    const error = await errorOf(`${depth} deep`, () => load(depth));
    assert.is(error?.code, 'ERR_CONFIG', `${depth} deep`);
    assert.match(error?.message ?? '', 'nested at most 64 deep');
  }
});

test('directories and files with names that act', async () => {
  const root = mkdtempSync(`${tmpdir()}/albert-wasm-\u001b[2J\u009b31m\u202e\u2028-`);
  try {
    const missing = await errorOf('a directory', () => AlbertModel.from_pretrained(root));
    assert.is(missing?.code, 'ERR_SOURCE');
    writeFileSync(`${root}/config.json`, '{');
    assert.is((await errorOf('half a config', () => AlbertModel.from_pretrained(root)))?.code, 'ERR_CONFIG');
    let cases = 0;
    for (const character of [...CHARACTERS, ...MORE]) {
      for (const source of [character, `${root}/${character}`, `https://x.invalid:0${character}/`, `a${character}/b`]) {
        assert.ok(await errorOf(JSON.stringify(source), () => AlbertModel.from_pretrained(source)), source);
        cases++;
      }
    }
    stateCases(cases, 68);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test.run();
