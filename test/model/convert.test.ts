/** convert: every head finds its class, nothing of a checkpoint is lost in silence, tokenizers go along. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { convert } from '../../src/model/convert.js';
import { AlbertForPreTraining, AlbertForTokenClassification } from '../../src/model/models.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.js';
import { expectError } from '../expect-error.js';
import { fixtureBytes, formulaFiles, HEADS, readFixture } from '../fixtures.js';
import { TINY } from '../tiny.js';
import { rewritable } from '../weights/samples.js';

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
  await expectError(() => convert({ 'config.json': JSON.stringify(TINY) }, `${directory}/none`), 'ERR_SOURCE', 'weights');
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
    // What nobody embeds with is copied as it is, and not followed.
    const modules = Array.from({ length: 33 }, (_, i) => ({ path: `${i}_Pooling` }));
    const many = { ...files, 'modules.json': JSON.stringify(modules) };
    await convert(many, `${directory}/many`);
    assert.not(readdirSync(`${directory}/many`).includes('1_Pooling'));
  },
);

conversion.run();
