/**
 * What the worst file or text within each limit of SECURITY.md takes: seconds of the call and the most memory of a process that
 * does nothing else, beside that of an empty Node. Each in a process of its own, from files on disk, with the built library.
 *
 * Linux only. Usage: node scripts/measure-limits.mjs [WORD …]   (default: all)
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODEL = fileURLToPath(new URL('../models/albert-mini-en/', import.meta.url));
const CONFIG = {
  model_type: 'albert',
  vocab_size: 97,
  embedding_size: 13,
  hidden_size: 36,
  num_hidden_layers: 3,
  type_vocab_size: 2,
  hidden_act: 'gelu_new',
  num_attention_heads: 3,
  intermediate_size: 50,
  max_position_embeddings: 24,
};
const HEADER_BYTES = 100_000_000;

/** A safetensors file of a header alone. */
function safetensors(folder, header) {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  const file = openSync(join(folder, 'model.safetensors'), 'w');
  writeSync(file, length);
  writeSync(file, header);
  closeSync(file);
}

function fill(before, part, after, bytes = HEADER_BYTES) {
  const header = Buffer.alloc(bytes, part);
  header.write(before);
  header.write(after, bytes - after.length);
  return header;
}

const entry = (name) => `${JSON.stringify(name)}:{"dtype":"F32","shape":[1,1,1,1,1,1,1,0],"data_offsets":[0,0]}`;

/** One string of msgpack of up to 65,535 bytes, or the head of a map or array of as many. */
const text = (value) => Buffer.concat([Buffer.from([0xda, value.length >> 8, value.length & 255]), Buffer.from(value)]);
const map32 = (count) => Buffer.from([0xdf, count >>> 24, (count >> 16) & 255, (count >> 8) & 255, count & 255]);

/** An array as Flax writes it: extension 1 of [shape, dtype, bytes]. */
function flaxArray(shape, bytes) {
  const dims = Buffer.concat([
    Buffer.from([0x90 | shape.length]),
    ...shape.map((n) => Buffer.from([0xce, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255])),
  ]);
  const length = (tag, n) => Buffer.from([tag, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
  const payload = [
    Buffer.from([0x93]),
    dims,
    Buffer.from([0xa7]),
    Buffer.from('float32'),
    length(0xc6, bytes),
    Buffer.alloc(bytes),
  ];
  const size = payload.reduce((sum, { length: part }) => sum + part, 0);
  return Buffer.concat([length(0xc9, size), Buffer.from([1]), ...payload]);
}

/** A zip archive of stored entries, as PyTorch's files are. */
function zip(entries) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [title, bytes] of entries) {
    const name = Buffer.from(title);
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50);
    head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50);
    entry.writeUInt32LE(bytes.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(head, name, bytes);
    directory.push(entry, name);
    at += 30 + name.length + bytes.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(
    directory.reduce((sum, { length }) => sum + length, 0),
    12,
  );
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

const TORCH = 'pytorch_model.bin';
/** PyTorch's file of one pickle, and storages beside it. */
const torch = (pickle, storages = []) => zip([['a/data.pkl', pickle], ...storages]);
const pickled = (...parts) => Buffer.concat([Buffer.from([0x80, 2]), ...parts, Buffer.from('.')]);
const unicode = (value) => {
  const head = Buffer.from([0x58, 0, 0, 0, 0]);
  head.writeUInt32LE(value.length, 1);
  return Buffer.concat([head, Buffer.from(value)]);
};

/** An empty tensor over the storage of this key. */
const torchTensor = (key) =>
  Buffer.concat([
    Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n(('),
    unicode('storage'),
    Buffer.from('ctorch\nFloatStorage\n'),
    unicode(key),
    unicode('cpu'),
    Buffer.from('K\0tQK\0(K\0K\x08t(K\x08K\x01t\x89ccollections\nOrderedDict\n)RtR', 'latin1'),
  ]);

/** Pieces of SentencePiece's protobuf: the three that must be there, then as many more. */
function spiece(count, pieceBytes) {
  const piece = (name, type) => {
    const bytes = Buffer.from(name);
    const size = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
    const body = Buffer.concat([
      Buffer.from([0x0a, ...size]),
      bytes,
      Buffer.from([0x15, 0, 0, 0x10, 0xc1, 0x18, type]),
    ]);
    const outer = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
    return Buffer.concat([Buffer.from([0x0a, ...outer]), body]);
  };
  const special = [
    ['<pad>', 3],
    ['<unk>', 2],
    ['[CLS]', 3],
    ['[SEP]', 3],
    ['[MASK]', 4],
    ['▁', 1],
  ];
  const rest = Array.from({ length: count - special.length }, (_, i) => [
    `${i.toString(36)}!`.padEnd(pieceBytes, 'x'),
    1,
  ]);
  return Buffer.concat([...special, ...rest].map(([name, type]) => piece(name, type)));
}

/** A `config.json` of 1 MiB: a list of what is given, or lists in lists. */
function config(item) {
  const [start, end] = [`${JSON.stringify(CONFIG).slice(0, -1)},"x":[`, ']}'];
  const room = 2 ** 20 - start.length - end.length;
  if (item === undefined) return `${start}${'['.repeat(room / 2)}${']'.repeat(room / 2)}${end}`;
  const items = `${item},`.repeat(room / (item.length + 1) - 1);
  return `${start}${items}${item}${end}`;
}

/** What is put into the folder, and what the child does with it: `load` or `read`, a tokenizer, or the text it encodes. */
const CASES = {
  'config.json of 1 MiB, all objects': {
    make: (f) => writeFileSync(join(f, 'config.json'), config('{}')),
    run: 'model',
  },
  'config.json of 1 MiB, nested': { make: (f) => writeFileSync(join(f, 'config.json'), config()), run: 'model' },
  'header of 100 MB, all spaces': { make: (f) => safetensors(f, fill('{', ' ', '}')), run: 'model' },
  'header of 100 MB, one string of escapes': {
    make: (f) => safetensors(f, fill('{"__metadata__":{"k":"', '\\n', '"}} ')),
    run: 'model',
  },
  'header of 4,096 tensors, names of 256 bytes': {
    make(f) {
      const names = Array.from({ length: 4096 }, (_, i) => String(i).padEnd(256, 'n'));
      safetensors(f, Buffer.from(`{${names.map(entry)}}`));
    },
    run: 'model',
  },
  'msgpack of one array of 256 MB': {
    make: (f) =>
      writeFileSync(join(f, 'flax_model.msgpack'), Buffer.concat([map32(1), text('a'), flaxArray([2 ** 26], 2 ** 28)])),
    run: 'model',
  },
  'msgpack of 65,536 keys': {
    make(f) {
      const keys = Array.from({ length: 65_535 }, (_, i) =>
        Buffer.concat([text(String(i).padEnd(256, 'n')), map32(0)]),
      );
      writeFileSync(join(f, 'flax_model.msgpack'), Buffer.concat([map32(65_535), ...keys]));
    },
    run: 'model',
  },
  'PyTorch: 4,096 tensors, names of 256 bytes, a storage each': {
    make(f) {
      const items = Array.from({ length: 4096 }, (_, i) => [
        unicode(String(i).padEnd(256, 'n')),
        torchTensor(String(i)),
      ]);
      const storages = items.map((_, i) => [`a/data/${i}`, Buffer.alloc(0)]);
      const dict = pickled(Buffer.from('}('), ...items.flat(), Buffer.from('u'));
      writeFileSync(join(f, TORCH), torch(dict, storages));
    },
    run: 'model',
  },
  'PyTorch: 524,288 operations, each a list that is remembered': {
    make: (f) => writeFileSync(join(f, TORCH), torch(pickled(Buffer.alloc(2 ** 20, ']\x94', 'latin1')))),
    run: 'model',
  },
  'PyTorch: a pickle of 16 MiB, one string': {
    make: (f) => writeFileSync(join(f, TORCH), torch(pickled(unicode('s'.repeat(2 ** 24 - 8))))),
    run: 'model',
  },
  'PyTorch: a pickle of 16 MiB, strings of 32 bytes': {
    make: (f) =>
      writeFileSync(
        join(f, TORCH),
        torch(pickled(Buffer.alloc(2 ** 24 - 3, Buffer.concat([unicode('s'.repeat(27))])))),
      ),
    run: 'model',
  },
  'PyTorch: 16,384 entries of an archive': {
    make: (f) =>
      writeFileSync(
        join(f, TORCH),
        torch(
          pickled(Buffer.from('N')),
          Array.from({ length: 16_383 }, (_, i) => [`a/data/${i}`.padEnd(200, 'x'), Buffer.alloc(0)]),
        ),
      ),
    run: 'model',
  },
  'spiece.model of 1,000,000 pieces': {
    make: (f) => writeFileSync(join(f, 'spiece.model'), spiece(1_000_000, 0)),
    run: 'tokenizer',
  },
  'spiece.model of 16 MiB, pieces of 512 bytes': {
    make: (f) => writeFileSync(join(f, 'spiece.model'), spiece(31_000, 512)),
    run: 'tokenizer',
  },
  'vocab.txt of 1,000,000 lines': {
    make(f) {
      const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
      const rest = Array.from({ length: 1_000_000 - special.length }, (_, i) => i.toString(36));
      writeFileSync(join(f, 'vocab.txt'), [...special, ...rest].join('\n'));
    },
    run: 'tokenizer',
  },
  'tokenizer.json of 100,000 added tokens, each 18 times as long when normalised': {
    make(f) {
      const file = JSON.parse(readFileSync(join(MODEL, 'tokenizer.json'), 'utf8'));
      for (let i = 0; i < 100_000; i++) {
        const content = `${i.toString(36)}${'\ufdfa'.repeat(20)}`;
        file.added_tokens.push({ id: 16_000 + i, content, special: false, normalized: true });
      }
      writeFileSync(join(f, 'tokenizer.json'), JSON.stringify(file));
    },
    run: 'tokenizer',
  },
  'text of 1 Mi characters, words': { run: 'encode', text: 'a lovely day, ', length: 2 ** 20 },
  'text of 1 Mi characters without a space': { run: 'encode', text: 'lovely', length: 2 ** 20 },
  'text of 1 Mi characters outside the vocabulary': { run: 'encode', text: '\u{1f9ff}', length: 2 ** 20 },
  'U+FDFA, 233,000 times: 4 Mi characters': { run: 'encode', text: '\ufdfa', length: 233_000 },
};

const CHILD = `
  import { readFileSync } from 'node:fs';
  const [library, folder, run, text, length] = process.argv.slice(1);
  let [seconds, outcome] = [0, 'nothing'];
  if (run !== 'nothing') {
    const { AlbertModel, AlbertTokenizer } = await import(library);
    const tokenizer = run === 'encode' && (await AlbertTokenizer.from_pretrained(folder));
    const input = run === 'encode' && text.repeat(Math.ceil(length / text.length)).slice(0, length);
    const start = performance.now();
    outcome = await (async () => {
      if (run === 'model') await AlbertModel.from_pretrained(folder, { onWarning() {} });
      if (run === 'tokenizer') return String((await AlbertTokenizer.from_pretrained(folder)).vocab_size) + ' pieces';
      if (run === 'encode') return String(tokenizer.encode(input).input_ids.length) + ' ids';
      return 'loaded';
    })().catch(({ code, message }) => code ?? message);
    seconds = (performance.now() - start) / 1000;
  }
  // Not resourceUsage().maxRSS, which begins with what the parent had.
  const [, peak] = /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  console.log(JSON.stringify({ seconds, outcome, peak: peak / 1024 }));
`;

function measure(folder, { run, text: part = '', length = 0 }) {
  const library = new URL('../dist/node/index.js', import.meta.url).href;
  const args = ['--input-type=module', '-e', CHILD, library, folder, run, part, String(length)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const words = process.argv.slice(2);
const empty = measure('', { run: 'nothing' }).peak;
console.log(`Node ${process.version}, empty at ${empty.toFixed(0)} MiB`);
for (const [name, of] of Object.entries(CASES)) {
  if (!words.every((word) => name.includes(word))) continue;
  const folder = mkdtempSync(join(tmpdir(), 'albert-wasm-limits-'));
  try {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(CONFIG));
    if (of.run === 'encode') {
      for (const file of ['tokenizer.json', 'tokenizer_config.json'])
        copyFileSync(join(MODEL, file), join(folder, file));
    }
    of.make?.(folder);
    const { seconds, outcome, peak } = measure(folder, of);
    console.log(`${name}: ${seconds.toFixed(2)} s, ${(peak - empty).toFixed(0)} MiB (${outcome})`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
