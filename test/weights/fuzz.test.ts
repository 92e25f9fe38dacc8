/**
 * Mutated files: each gives a valid checkpoint or ERR_CHECKPOINT, never anything else. `FUZZ_SEED` and `FUZZ_CASES`
 * choose another or a longer run.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Bytes } from '../../src/ground/bytes.js';
import { AlbertError } from '../../src/ground/errors.js';
import { type Checkpoint, DTYPE_BYTES, isFloatDtype, readFloat32 } from '../../src/weights/checkpoint.js';
import { decodeFlaxMsgpack, encodeFlaxMsgpack } from '../../src/weights/flax-msgpack.js';
import { openCheckpoint } from '../../src/weights/open.js';
import { readPytorch } from '../../src/weights/pytorch/read.js';
import { RARE_READERS } from '../../src/weights/rare.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.js';
import { type Python, pickle, stateDict, type TorchTensor, torchOlder, torchZip, zip } from './pytorch-files.js';
import { openFile, seeded } from './samples.js';

const test = suite('fuzz');

const SEED = Number(process.env.FUZZ_SEED ?? 20260101);
const CASES = Number(process.env.FUZZ_CASES ?? 2000);

const TENSORS = [
  'albert/pooler/kernel',
  'albert/pooler/bias',
  'albert/layers/0/scale',
  'albert/empty',
  '__proto__',
].map((name, i) => ({
  name,
  shape: i === 3 ? [0, 4] : [i + 1, 3],
  data: new Float32Array(i === 3 ? 0 : 3 * i + 3).fill(i),
}));

/** The same as PyTorch has them: views of one storage, transposed and repeated, a parameter, a buffer of integers. */
const STORAGE = {
  key: '0',
  dtype: 'F32',
  bytes: new Uint8Array(Float32Array.from({ length: 24 }, (_, i) => i).buffer),
} as const;
const TORCH_TENSORS: readonly TorchTensor[] = [
  { name: 'albert.pooler.weight', storage: STORAGE, shape: [4, 6], parameter: true },
  { name: 'albert.transposed', storage: STORAGE, shape: [6, 4], strides: [1, 6] },
  { name: 'albert.repeated', storage: STORAGE, shape: [3, 4], strides: [0, 1], offset: 5 },
  { name: 'albert.position_ids', storage: { key: '1', dtype: 'I64', bytes: new Uint8Array(24) }, shape: [1, 3] },
  { name: '__proto__', storage: { key: '2', dtype: 'F16', bytes: new Uint8Array(6) }, shape: [3] },
];
const WRAPPED: Python = {
  dict: [
    ['epoch', 3],
    ['args', { list: [0.5, null, { tuple: [1, 2] }] }],
    ['state_dict', stateDict(TORCH_TENSORS)],
  ],
};

interface Format {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  decode(bytes: Uint8Array, file: string): Checkpoint | Promise<Checkpoint>;
}

const FORMATS: readonly Format[] = [
  {
    name: 'safetensors',
    seeds: (['F32', 'F16'] as const).map((dtype) => encodeSafetensors(TENSORS, dtype, { format: 'pt' })),
    decode: decodeSafetensors,
  },
  {
    name: 'flax msgpack',
    seeds: [
      encodeFlaxMsgpack(TENSORS, 'F32'),
      encodeFlaxMsgpack(TENSORS, 'BF16'),
      encodeFlaxMsgpack(TENSORS, 'F32', 16),
    ],
    decode: decodeFlaxMsgpack,
  },
  {
    name: 'PyTorch zip',
    seeds: [
      torchZip(TORCH_TENSORS),
      torchZip(TORCH_TENSORS, WRAPPED),
      torchZip(TORCH_TENSORS, stateDict(TORCH_TENSORS), 4),
      zip(
        [
          { name: 'a/data.pkl', bytes: pickle(stateDict(TORCH_TENSORS.slice(0, 3))) },
          { name: 'a/data/0', bytes: STORAGE.bytes },
        ],
        true,
      ),
    ],
    decode: readPytorch,
  },
  {
    name: 'older PyTorch',
    seeds: [torchOlder(TORCH_TENSORS), torchOlder(TORCH_TENSORS, undefined, { protocol: 4 })],
    decode: readPytorch,
  },
];

type Random = (bound: number) => number;
type Mutation = (file: Uint8Array, random: Random) => Uint8Array;

/** Heads that promise much: the longest of every msgpack type. */
const HUGE_HEADS = [0xdb, 0xdd, 0xdf, 0xc6, 0xc9].map((head) => [head, 255, 255, 255, 255]);
const BOMBS = [[0x91], [0x81, 0xa0], [0x5b], [0x7b, 0x22, 0x61, 0x22, 0x3a]];
const NUMBERS = [
  '-1',
  '1e9',
  '4294967296',
  '9007199254740993',
  '18446744073709551615',
  '0',
  '00',
  '"4"',
  'null',
  '{}',
  '[]',
];

/** Pickle's opcodes, those that no checkpoint has among them. */
const OPCODES = [...'(.0123FGIJKLMNPQRSTUVXabcdeghijlopqrstu}]'].map((character) => character.charCodeAt(0));

const MUTATIONS: readonly Mutation[] = [
  function opcode(file, random) {
    for (let i = 0; i <= random(3); i++)
      file[random(file.length)] = random(3) === 0 ? 0x80 + random(26) : OPCODES[random(OPCODES.length)]!;
    return file;
  },
  /** A number of a pickle, so that offsets, shapes, strides and counts are reached. */
  function pickledNumber(file, random) {
    const found = [...file.keys()].filter((at) => file[at] === 0x4b || file[at] === 0x4d || file[at] === 0x4a);
    const at = found[random(found.length)];
    if (at === undefined) return file;
    const bytes = file[at] === 0x4b ? 1 : file[at] === 0x4d ? 2 : 4;
    for (let i = 1; i <= bytes && at + i < file.length; i++) file[at + i] = [0, 1, 127, 255, random(256)][random(5)]!;
    return file;
  },
  /** A field of one of zip's records. */
  function zipField(file, random) {
    const found = [...file.keys()].filter((at) => file[at] === 0x50 && file[at + 1] === 0x4b);
    const at = found[random(found.length)];
    if (at === undefined) return file;
    const field = at + 4 + 2 * random(24);
    for (let i = 0; i < 2 + 2 * random(2) && field + i < file.length; i++)
      file[field + i] = [0, 1, 255, random(256)][random(4)]!;
    return file;
  },
  function cut(file, random) {
    return file.slice(0, random(file.length + 1));
  },
  function flipBits(file, random) {
    for (let i = 0; i <= random(8); i++) file[random(file.length)]! ^= 1 << random(8);
    return file;
  },
  function overwrite(file, random) {
    for (let i = 0; i <= random(4); i++) file[random(file.length)] = random(256);
    return file;
  },
  function headerLength(file, random) {
    const lengths = [
      0n,
      1n,
      2n ** 31n,
      2n ** 32n,
      2n ** 53n,
      2n ** 63n,
      2n ** 64n - 1n,
      BigInt(file.length - 8),
      BigInt(random(1000)),
    ];
    new DataView(file.buffer).setBigUint64(0, lengths[random(lengths.length)] as bigint, true);
    return file;
  },
  function hugeHead(file, random) {
    const at = random(file.length);
    file.set((HUGE_HEADS[random(HUGE_HEADS.length)] as number[]).slice(0, file.length - at), at);
    return file;
  },
  function bomb(file, random) {
    const pattern = BOMBS[random(BOMBS.length)] as number[];
    const at = random(file.length);
    return splice(
      file,
      at,
      at,
      Uint8Array.from({ length: 1 + random(20_000) }, (_, i) => pattern[i % pattern.length]!),
    );
  },
  function remove(file, random) {
    const at = random(file.length);
    return splice(file, at, at + 1 + random(16), new Uint8Array(0));
  },
  function repeat(file, random) {
    const at = random(file.length);
    return splice(file, at, at, file.slice(at, at + 1 + random(200)));
  },
  /** Keeps the file well-formed around one wrong number, so that the checks behind the grammar are reached. */
  function number(file, random) {
    const text = Buffer.from(file).toString('latin1');
    const found = [...text.slice(8).matchAll(/\d+/g)];
    const match = found[random(found.length)];
    if (match === undefined) return file;
    const at = 8 + match.index;
    const changed = splice(file, at, at + match[0].length, new TextEncoder().encode(NUMBERS[random(NUMBERS.length)]));
    const header = new DataView(changed.buffer);
    header.setBigUint64(0, header.getBigUint64(0, true) + BigInt(changed.length - file.length), true);
    return changed;
  },
];

function splice(file: Uint8Array, from: number, to: number, insert: Uint8Array): Uint8Array {
  return Uint8Array.of(...file.subarray(0, from), ...insert, ...file.subarray(to));
}

/** What every checkpoint that was accepted must hold. */
async function assertValid(checkpoint: Checkpoint, file: Uint8Array): Promise<void> {
  let bytes = 0;
  for (const [name, tensor] of checkpoint.tensors) {
    const count = tensor.shape.reduce((product, dim) => product * dim, 1);
    assert.ok(checkpoint.format === 'pytorch' || tensor.name === name);
    assert.is(tensor.bytes.length, count * DTYPE_BYTES[tensor.dtype]);
    bytes += tensor.bytes.length;
    // One element may be repeated as often as a shape says.
    if (isFloatDtype(tensor.dtype) && count < 1e5) await readFloat32(tensor, new Float32Array(count), 0);
  }
  assert.ok(checkpoint.format === 'pytorch' || bytes <= file.length);
}

for (const { name, seeds, decode } of FORMATS) {
  test(`${name}: ${CASES} mutations from seed ${SEED}`, async () => {
    const outcomes = { valid: 0, refused: 0 };
    const applied = new Set<Mutation>();
    for (let i = 0; i < CASES; i++) {
      const random = seeded(SEED + i);
      let file: Uint8Array = (seeds[random(seeds.length)] as Uint8Array).slice();
      for (let times = random(4) === 0 ? 2 : 1; times > 0 && file.length > 8; times--) {
        const mutation = MUTATIONS[random(MUTATIONS.length)] as Mutation;
        applied.add(mutation);
        file = mutation(file, random);
      }
      const before = file.slice();
      const handle = openFile(file);
      const source = (content: Bytes) => {
        const open = async (asked: string) => (asked === 'model.safetensors' ? content : undefined);
        return { name: 'mutant', readFile: async () => undefined, openFile: open };
      };
      const messages: string[] = [];
      for (const read of [
        () => decode(file, 'mutant'),
        () => openCheckpoint(source(file), RARE_READERS),
        () => openCheckpoint(source(handle), RARE_READERS),
      ]) {
        try {
          await assertValid(await read(), file);
          outcomes.valid++;
          messages.push('valid');
        } catch (error) {
          if (!(error instanceof AlbertError && error.code === 'ERR_CHECKPOINT'))
            throw new Error(`case ${i} of FUZZ_SEED=${SEED}: ${(error as Error).stack}`);
          outcomes.refused++;
          messages.push(error.message);
        }
      }
      assert.is(messages[2], messages[1], `case ${i} of FUZZ_SEED=${SEED}: read in pieces and as a whole`);
      assert.is(handle.closed, messages[2] !== 'valid', `case ${i} of FUZZ_SEED=${SEED}: a refused file is closed`);
      assert.equal(Buffer.compare(file, before), 0, `case ${i} of FUZZ_SEED=${SEED} changed its input`);
    }
    assert.ok(outcomes.valid > 0 && outcomes.refused > outcomes.valid, JSON.stringify(outcomes));
    assert.is(applied.size, MUTATIONS.length, 'every mutation was applied');
    assert.ok(CASES >= 1000, 'at least 1,000 cases');
  });
}

test('cut at any byte, a file is refused', async () => {
  let cuts = 0;
  for (const { seeds, decode } of FORMATS)
    for (const seed of seeds)
      for (let length = 0; length < seed.length; length++, cuts++) {
        try {
          await decode(seed.subarray(0, length), 'cut');
        } catch (error) {
          assert.instance(error, AlbertError);
          assert.is((error as AlbertError).code, 'ERR_CHECKPOINT');
          continue;
        }
        assert.unreachable(`a file of ${seed.length} bytes was read from its first ${length}`);
      }
  assert.ok(cuts >= 2000, `${cuts} cuts`);
});

test.run();
