/** Opening weights: which file is taken, by what its bytes say, whole or in shards, and what is said when it fails. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { type OpenedSource, openSource } from '../../src/ground/source.js';
import { encodeFlaxMsgpack } from '../../src/weights/flax-msgpack.js';
import { openCheckpoint as open } from '../../src/weights/open.js';
import { RARE_READERS } from '../../src/weights/rare.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.js';
import { decoded, fixture, rejects, rewritable, safetensorsFile } from './samples.js';

const test = suite('openCheckpoint');

const openCheckpoint = (source: OpenedSource, options: Partial<Parameters<typeof open>[1]> = {}) =>
  open(source, { ...RARE_READERS, ...options });

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const FLAX = 'flax_model.msgpack';

const safetensors = fixture(`tiny/model/${SINGLE}`);
const flax = fixture(`tiny/model/${FLAX}`);
const tensors = rewritable(decodeSafetensors(safetensors, SINGLE));

/** A source in memory that remembers what was asked of it. */
function memory(files: Record<string, Uint8Array | string>): OpenedSource & { readonly asked: string[] } {
  const asked: string[] = [];
  const read = async (file: string) => {
    asked.push(file);
    const content = Object.hasOwn(files, file) ? files[file] : undefined;
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
  return { name: 'memory', asked, readFile: read, openFile: read };
}

/** The tiny model in three shards, with anything in their stead. */
function sharded(changes: Record<string, Uint8Array | string> = {}) {
  const files: Record<string, Uint8Array | string> = {};
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < 3; shard++) {
    const file = `model-0000${shard + 1}-of-00003.safetensors`;
    const part = tensors.filter((_, i) => i % 3 === shard);
    files[file] = encodeSafetensors(part, 'F32', { format: 'pt', [`shard${shard}`]: 'x' });
    for (const { name } of part) weight_map[name] = file;
  }
  files[INDEX] = JSON.stringify({ metadata: { total_size: 1, nested: [{ deep: [null, true, -1.5e3] }] }, weight_map });
  return memory({ ...files, ...changes });
}

test('a directory opens', async () => {
  const source = await openSource(new URL('../fixtures/flax/tiny/model/', import.meta.url));
  const checkpoint = await openCheckpoint(source);
  assert.is(checkpoint.format, 'safetensors');
  assert.is(checkpoint.tensors.size, tensors.length);
});

test('files are tried in order, and each one read is reported', async () => {
  const seen: unknown[] = [];
  const onFile = (file: string, bytes: number) => seen.push([file, bytes]);
  const first = memory({ [SINGLE]: safetensors, [INDEX]: '{}', [FLAX]: flax });
  assert.is((await openCheckpoint(first, { onFile })).format, 'safetensors');
  assert.equal(first.asked, [SINGLE]);
  const last = memory({ [FLAX]: flax });
  assert.is((await openCheckpoint(last, { onFile })).format, 'flax_msgpack');
  assert.equal(last.asked, [SINGLE, INDEX, FLAX]);
  assert.equal(seen, [
    [SINGLE, safetensors.length],
    [FLAX, flax.length],
  ]);
});

test('the bytes decide the format, not the name', async () => {
  assert.is((await openCheckpoint(memory({ [SINGLE]: flax }))).format, 'flax_msgpack');
  assert.is((await openCheckpoint(memory({ [FLAX]: safetensors }))).format, 'safetensors');
  const brace = encodeFlaxMsgpack([{ name: 'albert{', shape: [1], data: Float32Array.of(1) }], 'F32');
  assert.is(brace[8], 0x7b, 'where a safetensors header begins');
  assert.is((await openCheckpoint(memory({ [FLAX]: brace }))).format, 'flax_msgpack');
  // Header lengths whose bytes begin like a msgpack map, a web page, a zip archive or JSON.
  for (const length of [0x80, 0x8f, 0xde, 0x213c, 0x4b50, 0x227b, 0x7b]) {
    const file = safetensorsFile('{}'.padEnd(length, ' '), 0);
    assert.is((await openCheckpoint(memory({ [SINGLE]: file }))).format, 'safetensors', `length ${length}`);
  }
});

test('no weights: the names that were tried', async () => {
  await rejects(openCheckpoint(memory({})), 'ERR_SOURCE', SINGLE, INDEX, FLAX, 'memory');
});

test('what is not weights is called by its name', async () => {
  const faults: [content: string | Uint8Array, ...words: string[]][] = [
    ['', 'an empty file'],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 123\n', 'Git LFS pointer'],
    ['<!DOCTYPE html><html></html>', 'a web page'],
    ['\n  <html lang="en">', 'a web page'],
    ['<?xml version="1.0"?>', 'a web page'],
    ['{"error":"Repository not found"}', 'JSON text'],
    [Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0, 0), 'zip archive'],
    [Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0), 'HDF5'],
    ['Entry not found', 'header length'],
    [new Uint8Array(64), 'header length', 'got 0'],
    [safetensors.subarray(0, 9), '10 bytes'],
    [safetensors.subarray(0, 8), '10 bytes'],
    [safetensors.subarray(0, 500), 'header length'],
    [safetensors.subarray(0, safetensors.length - 1), 'within'],
    [flax.subarray(0, 1), '1 more bytes'],
    [flax.subarray(0, flax.length - 1), 'more bytes'],
  ];
  for (const name of [SINGLE, FLAX])
    for (const [content, ...words] of faults) {
      const expected = content === '' || words[0] !== '1 more bytes' ? words : ['bytes'];
      await rejects(openCheckpoint(memory({ [name]: content })), 'ERR_CHECKPOINT', name, ...expected);
    }
  assert.ok(faults.length >= 16);
});

test('shards: each read once, in the order of the index, with the numbers of the whole', async () => {
  const source = sharded();
  const checkpoint = await openCheckpoint(source);
  assert.is(source.asked.length, 2 + 3);
  assert.is(checkpoint.tensors.size, tensors.length);
  assert.equal(checkpoint.metadata, { format: 'pt', shard0: 'x', shard1: 'x', shard2: 'x' });
  for (const { name, data } of tensors) assert.equal(decoded(checkpoint.tensors.get(name)!), data);
});

test('shards: every fault with its file', async () => {
  const second = 'model-00002-of-00003.safetensors';
  const without = memory({ [INDEX]: JSON.stringify({ weight_map: { 'a.w': second } }) });
  await rejects(openCheckpoint(without), 'ERR_SOURCE', second, INDEX);
  const other = encodeSafetensors([{ name: 'other', shape: [1], data: Float32Array.of(1) }], 'F32', {});
  await rejects(openCheckpoint(sharded({ [second]: other })), 'ERR_CHECKPOINT', second, tensors[1]!.name);
  await rejects(openCheckpoint(sharded({ [second]: '<!doctype html>' })), 'ERR_CHECKPOINT', second, 'a web page');
  await rejects(openCheckpoint(sharded({ [second]: '' })), 'ERR_CHECKPOINT', second, 'an empty file');
  await rejects(openCheckpoint(sharded({ [second]: flax })), 'ERR_CHECKPOINT', second);
  const index = (text: string | Uint8Array, ...words: string[]) =>
    rejects(openCheckpoint(sharded({ [INDEX]: text })), 'ERR_CHECKPOINT', INDEX, ...words);
  await index('', 'index', 'an object');
  await index('[]', 'index', 'an object');
  await index(Uint8Array.of(0x7b, 0xff), 'UTF-8');
  await index('<!doctype html>', 'index', 'an object');
  await index('{}', 'weight_map', 'none');
  await index('{"weight_map":{}}', 'weight_map', 'none');
  await index('{"weight_map":[]}', 'weight_map', 'an object');
  await index('{"weight_map":{"a":1}}', '"a"', 'a string');
  await index('{"weight_map":{"a":"x","a":"y"}}', 'every key once', '"a"');
  await index('{"weight_map":{"a":"x"}} x', 'nothing after');
  await index(`{"x":${'['.repeat(100_000)}`, '16 nested');
  await index('{"x":nul}', 'a value');
  const many = Object.fromEntries(Array.from({ length: 4097 }, (_, i) => [`t${i}`, 'x']));
  await index(JSON.stringify({ weight_map: many }), '4096 tensors');
});

test('shards: together no larger than one file may be, and no more than 512', async () => {
  const [first, second] = ['model-00001-of-00003.safetensors', 'model-00002-of-00003.safetensors'];
  const bytesOfFirst = ((await sharded().openFile(first)) as Uint8Array).length;
  const open = (length: number) => {
    const source = sharded();
    const closed: string[] = [];
    // A file that says it is large, and has nothing but zeros.
    const large = {
      length,
      read: async (target: Uint8Array) => void target.fill(0),
      close: async () => void closed.push(second),
    };
    const openFile = async (file: string) => (file === second ? large : source.openFile(file));
    return { closed, opening: openCheckpoint({ ...source, openFile }) };
  };
  const beyond = open(2 ** 32 - bytesOfFirst + 1);
  await rejects(beyond.opening, 'ERR_CHECKPOINT', 'weight_map', '4 GiB together', '4294967297');
  assert.equal(beyond.closed, [second]);
  const within = open(2 ** 32 - bytesOfFirst);
  const error = await within.opening.catch(({ message }) => String(message));
  assert.match(String(error), second, 'its header is looked at');

  const many = (count: number) => {
    const names = Array.from({ length: count }, (_, i) => `t${i}`);
    const file = (name: string) => encodeSafetensors([{ name, shape: [1], data: Float32Array.of(1) }], 'F32', {});
    const weight_map = Object.fromEntries(names.map((name) => [name, `${name}.safetensors`]));
    const files = Object.fromEntries(names.map((name) => [`${name}.safetensors`, file(name)]));
    return openCheckpoint(memory({ ...files, [INDEX]: JSON.stringify({ weight_map }) }));
  };
  assert.is((await many(512)).tensors.size, 512);
  await rejects(many(513), 'ERR_CHECKPOINT', 'weight_map', 'at most 512 shards');
});

test('shards: a name that is no plain file name is never asked for', async () => {
  const names = ['../x', '..', '.', '.hidden', 'a/b', 'a\\b', 'http://host/x', '//host/x', 'file:x', '%2e%2e', 'a%2fb'];
  for (const name of [...names, 'x?y', 'x#y', 'a..b', 'a b', '', 'n'.repeat(257), 'x\n']) {
    const source = memory({ [INDEX]: JSON.stringify({ weight_map: { 'a.w': name } }), [name]: safetensors });
    await rejects(openCheckpoint(source), 'ERR_CHECKPOINT', 'a.w', 'a plain file name');
    assert.equal(source.asked, [SINGLE, INDEX], name);
  }
});

test('a signal that has fired stops before the next file', async () => {
  const controller = new AbortController();
  const source = sharded();
  const onFile = (file: string) => file === INDEX && controller.abort(new Error('enough'));
  await rejects(openCheckpoint(source, { signal: controller.signal, onFile }), 'ERR_ABORTED');
  assert.equal(source.asked, [SINGLE, INDEX]);
  const untouched = memory({ [SINGLE]: safetensors });
  await rejects(openCheckpoint(untouched, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  assert.equal(untouched.asked, []);
});

test.run();
