/** convert: every head finds its class, nothing of a checkpoint is lost in silence, tokenizers go along. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { convert } from '../src/convert.js';
import { AlbertForPreTraining, AlbertForTokenClassification, AlbertModel } from '../src/model/models.js';
import { decodeSafetensors, encodeSafetensors } from '../src/weights/safetensors.js';
import { expectError } from './support/expect-error.js';
import { fixtureBytes, formulaFiles, HEADS, readFixture } from './support/fixtures.js';
import { TINY } from './support/tiny.js';
import { rewritable } from './weights/samples.js';

const conversion = suite('convert');
const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
conversion.after(() => rmSync(directory, { recursive: true }));

conversion('every head, to every dtype and format', async () => {
  for (const head of Object.keys(HEADS) as (keyof typeof HEADS)[]) {
    const fixture = readFixture(`groups/${head}`);
    const files = await formulaFiles(fixture);
    const Class = HEADS[head];
    for (const [dtype, format] of [
      ['int8', 'safetensors'],
      ['float16', 'safetensors'],
      ['float32', 'flax_msgpack'],
    ] as const) {
      const target = `${directory}/${head}-${dtype}`;
      const { architecture, ignored } = await convert(files, target, { dtype, format });
      assert.is(architecture, Class.name);
      assert.equal(ignored, []);
      await using model = await Class.from_pretrained(target, { strict: true });
      assert.is(model.info().dtype, dtype === 'int8' ? 'int8' : 'float32');
      if (dtype === 'float16') continue;
      await using wanted = await Class.from_pretrained(files, { dtype: dtype as 'int8' });
      assert.equal(model.params, wanted.params, head);
    }
  }
});

conversion('from Flax, and a file that is int8 already to the byte', async () => {
  const name = 'groups/pretraining';
  const config = JSON.stringify(readFixture(name).config);
  const flax = { 'config.json': config, 'flax_model.msgpack': fixtureBytes(name, 'flax_model.msgpack') };
  const torch = { 'config.json': config, 'model.safetensors': fixtureBytes(name, 'model.safetensors') };
  const [a, b, c] = [`${directory}/a`, `${directory}/b`, `${directory}/c`] as const;
  const { bytesRead } = await convert(flax, a, { dtype: 'int8' });
  assert.is(bytesRead, flax['flax_model.msgpack'].length);
  await convert(torch, b, { dtype: 'int8' });
  await convert(a, c, { dtype: 'int8' });
  const read = (from: string) => readFileSync(`${from}/model.safetensors`, 'latin1');
  assert.is(read(b), read(a));
  assert.is(read(c), read(a));
});

conversion('what the class has no place for is named; the tokenizer goes along, nothing else', async () => {
  await using model = await AlbertForPreTraining.from_config(TINY);
  await model.save_pretrained(`${directory}/whole`);
  const whole = decodeSafetensors(new Uint8Array(readFileSync(`${directory}/whole/model.safetensors`)), 'whole');
  const tensors = rewritable(whole).filter(({ name }) => !name.startsWith('sop_'));
  const files = {
    'config.json': JSON.stringify(TINY),
    'model.safetensors': encodeSafetensors(tensors, 'F32', {}),
    'spiece.model': 'pieces',
    'tokenizer_config.json': '{}',
    'secret.txt': 'no',
  };
  const { architecture, ignored } = await convert(files, `${directory}/part`, { dtype: 'int8' });
  assert.is(architecture, 'AlbertForMaskedLM');
  assert.equal(ignored, ['albert.pooler.bias', 'albert.pooler.weight']);
  const written = readdirSync(`${directory}/part`).sort();
  assert.equal(written, ['config.json', 'model.safetensors', 'spiece.model', 'tokenizer_config.json']);
});

conversion('a token classifier with a pooler left over is told by its configuration', async () => {
  await using model = await AlbertForTokenClassification.from_config(TINY);
  await model.save_pretrained(`${directory}/tokens`);
  assert.is(
    (await convert(`${directory}/tokens`, `${directory}/tokens8`)).architecture,
    'AlbertForTokenClassification',
  );
});

conversion('faults', async () => {
  await expectError(() => convert({}, `${directory}/none`), 'ERR_SOURCE', 'config.json');
  await expectError(
    () => convert({ 'config.json': JSON.stringify(TINY) }, `${directory}/none`),
    'ERR_SOURCE',
    'weights',
  );
  await expectError(() => convert({}, `${directory}/none`, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  const weights = { 'model.safetensors': fixtureBytes('tiny/model', 'model.safetensors') };
  await expectError(() => convert(weights, `${directory}/none`), 'ERR_SOURCE', 'config.json');
  const files = { ...weights, 'config.json': JSON.stringify(TINY) };
  await expectError(() => convert(files, `${directory}/none`), 'ERR_PARAMETER');
  assert.not(readdirSync(directory).includes('none'));
});

conversion(
  'vocab.txt, added tokens and the files of sentence-transformers go along; older ones are in the way',
  async () => {
    await using model = await AlbertForTokenClassification.from_config(TINY);
    await model.save_pretrained(`${directory}/plain`);
    const weights = new Uint8Array(readFileSync(`${directory}/plain/model.safetensors`));
    const others = {
      'vocab.txt': '[PAD]\n[UNK]\n',
      'added_tokens.json': '{}',
      'modules.json': JSON.stringify([{ path: '' }, { path: '1_Pooling' }, { path: '../out' }]),
      'sentence_albert_config.json': '{}',
      '1_Pooling/config.json': '{"pooling_mode_cls_token": true}',
    };
    const files = { 'config.json': JSON.stringify(model.config), 'model.safetensors': weights, ...others };
    const target = `${directory}/embedder`;
    await convert({ ...files, '../out/config.json': '{}' }, target);
    assert.not(existsSync(`${directory}/out`), 'nothing is written outside');
    for (const [name, text] of Object.entries(others)) assert.is(readFileSync(`${target}/${name}`, 'utf8'), text);
    const { 'vocab.txt': _, ...without } = files;
    await expectError(() => convert(without, target), 'ERR_SOURCE', 'no vocab.txt beside the new files');
    const { 'sentence_albert_config.json': __, ...unlimited } = files;
    await expectError(() => convert(unlimited, target), 'ERR_SOURCE', 'no sentence_albert_config.json beside');
    writeFileSync(`${target}/1_Pooling/model.safetensors`, '');
    await expectError(() => convert(files, target), 'ERR_SOURCE', 'no 1_Pooling/model.safetensors beside');
    // A list that is too long to embed with is copied as it is, and not followed.
    const modules = Array.from({ length: 33 }, (_, i) => ({ path: `${i}_Pooling` }));
    const many = { ...files, 'modules.json': JSON.stringify(modules) };
    await convert(many, `${directory}/many`);
    assert.not(readdirSync(`${directory}/many`).includes('1_Pooling'));
  },
);

conversion('from a server each file is asked for once', async () => {
  await using model = await AlbertForPreTraining.from_config(TINY);
  await model.save_pretrained(`${directory}/served`);
  const asked = new Map<string, number>();
  const server = createServer(({ url = '' }, response) => {
    asked.set(url, (asked.get(url) ?? 0) + 1);
    const path = `${directory}/served${url}`;
    if (existsSync(path)) response.end(readFileSync(path));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const { bytesRead } = await convert(`http://127.0.0.1:${port}/`, `${directory}/fetched`);
    assert.is(bytesRead, readFileSync(`${directory}/served/model.safetensors`).length);
  } finally {
    server.close();
  }
  assert.equal(
    [...asked].filter(([, times]) => times > 1),
    [],
  );
  assert.ok(asked.has('/config.json') && asked.has('/model.safetensors'));
});

/** Prints the most memory that the process has had while it converted, beyond what it had before. */
const CHILD = `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { convert } from './src/convert.ts';
  const bytes = (name) => 1024 * Number(new RegExp(name + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  globalThis.gc();
  // 5: the most becomes what there is now.
  writeFileSync('/proc/self/clear_refs', '5');
  const before = bytes('VmRSS');
  await convert(process.env.SOURCE, process.env.TARGET, { dtype: 'int8' });
  console.log(bytes('VmHWM') - before);
`;

conversion('of a file on disk the weights are in memory once', async () => {
  if (!existsSync('/proc/self/clear_refs')) return;
  const config = { ...TINY, embedding_size: 128 };
  await using model = await AlbertModel.from_config(config);
  const source = `${directory}/large`;
  await model.save_pretrained(source);
  const small = decodeSafetensors(new Uint8Array(readFileSync(`${source}/model.safetensors`)), source);
  const vocab_size = 120_000;
  const tensors = rewritable(small).map((tensor) =>
    tensor.name.endsWith('word_embeddings.weight')
      ? { ...tensor, shape: [vocab_size, 128], data: new Float32Array(vocab_size * 128).fill(0.5) }
      : tensor,
  );
  const file = encodeSafetensors(tensors, 'F32', {});
  writeFileSync(`${source}/model.safetensors`, file);
  writeFileSync(`${source}/config.json`, JSON.stringify({ ...config, vocab_size }));
  const args = [
    '--expose-gc',
    '--import',
    'tsx',
    '--conditions=@albert-wasm/source',
    '--input-type=module',
    '-e',
    CHILD,
  ];
  const child = spawnSync(process.execPath, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, SOURCE: source, TARGET: `${directory}/large8` },
    encoding: 'utf8',
  });
  assert.is(child.status, 0, child.stderr);
  // The weights, a quarter of them as levels and again in the file that is written; and what the program itself takes. With
  // the file in memory as well it was 221 MB, instead of 160.
  const used = Number(child.stdout);
  assert.ok(used <= 2 * file.length + 64 * 2 ** 20, `${used} bytes for a file of ${file.length}`);
});

conversion.run();
