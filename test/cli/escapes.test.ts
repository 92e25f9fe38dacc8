/** Nothing of a stranger's file, argument or line steers the terminal: neither answers nor complaints. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertForSequenceClassification } from '../../src/entry/index.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { stateCases } from '../support/cases.js';
import { TINY } from '../support/tiny.js';
import { MODEL } from '../tokenizer/support.js';
import { run } from './command-line.js';

const test = suite('command line and terminals');

const ACTING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const HOSTILE = 'x\u001b[2J\u009b31m\u202e\u2028\u007fy';
const ESCAPED = 'x\\u001b[2J\\u009b31m\\u202e\\u2028\\u007fy';

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-${HOSTILE}-`);
test.after(() => rmSync(folder, { recursive: true }));

const config = { ...TINY, vocab_size: 16_000, id2label: { 0: HOSTILE, 1: `${HOSTILE}!` } };
await using model = await AlbertForSequenceClassification.from_config(config);
const tensors = [...model.params].map(([name, { shape, data }]) => ({ name, shape, data }));
/** A model in a directory, with one more tensor of this name. */
function write(name: string, extra: string, changed: object = {}): string {
  const path = `${folder}/${name}`;
  mkdirSync(path);
  const more = { name: extra, shape: [1], data: Float32Array.of(0) };
  writeFileSync(`${path}/model.safetensors`, encodeSafetensors([...tensors, more], 'F32', {}));
  writeFileSync(
    `${path}/config.json`,
    JSON.stringify({ ...config, architectures: ['AlbertForSequenceClassification'], ...changed }),
  );
  writeFileSync(`${path}/tokenizer.json`, readFileSync(new URL('tokenizer.json', MODEL)));
  return path;
}
const good = write('good', HOSTILE);
const bad = write('bad', 'more', { id2label: { [HOSTILE]: HOSTILE, 1: 'b' } });
const broken = write('broken', 'more');
writeFileSync(`${broken}/tokenizer_config.json`, JSON.stringify({ model_max_length: HOSTILE }));

/** What is written, line by line: nothing in it acts. */
function inert(text: string): void {
  for (const line of text.split('\n')) assert.not.match(line, ACTING);
}

test('labels, lines, tensors, keys, paths and arguments', async () => {
  const commands: [args: string[], code: number, words: string, input?: string][] = [
    [['classify', '--model', good, '--jsonl'], 0, ESCAPED, `${JSON.stringify(HOSTILE)}\n`],
    [['classify', '--model', good, HOSTILE], 0, ESCAPED],
    [['convert', '--model', good, '--out', `${folder}/out`], 0, `does not use ${ESCAPED}: left out`],
    [['classify', '--model', bad, 'text'], 1, '"id2label"'],
    [['classify', '--model', broken, 'text'], 1, ESCAPED],
    [['classify', '--model', `${folder}/none`, 'text'], 1, ESCAPED],
    [['classify', '--file', `${folder}/none`], 1, ESCAPED],
    [['classify', `--${HOSTILE}`], 2, ESCAPED],
    [['classify', '--threads', HOSTILE], 2, ESCAPED],
    [['classify', '--jsonl'], 1, 'expected JSON', `${HOSTILE}\n`],
  ];
  for (const [args, code, words, input] of commands) {
    const { code: got, out, err } = await run(args, input);
    assert.is(got, code, err);
    assert.ok(`${out}${err}`.includes(words), `${words} is not in: ${out}${err}`);
    inert(out);
    inert(err);
    // JSON means what it meant.
    if (input !== undefined && code === 0) assert.is(JSON.parse(out).text, HOSTILE);
  }
  stateCases(commands.length, 10);
});

test.run();
