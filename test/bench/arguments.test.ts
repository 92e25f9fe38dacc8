/** The benches' command lines: a wrong one ends at once with a line, and what changes the rows writes no report. */
import { spawn } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readArguments } from '../../bench/arguments.js';
import { chooseSome, parseCount, parseDtypes, parseSeconds, parseThreads } from '../../bench/choices.js';
import { ROOT } from '../cli/command-line.js';

const test = suite("benches' arguments");

/** Runs a bench with these words. */
function bench(words: string): Promise<{ code: number | null; out: string; err: string }> {
  const [file, ...args] = words.split(' ');
  const node = ['--import', 'tsx', '--conditions=@albert-wasm/source', `bench/${file}`];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...node, ...args], { cwd: ROOT });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const WRONG: [words: string, said: RegExp][] = [
  ['kernels/index.ts --seconds x', /^--seconds expected a number from 0, such as 0\.5, got "x"\n$/],
  ['model.ts --threads 0', /^--threads expected a whole number from 1 to 64, got "0"\n$/],
  ['ragged.ts --longest 4', /^--longest expected a whole number from 5 to 512, got "4"\n$/],
  ['cold.ts --rounds 0', /^--rounds expected a whole number from 1, got "0"\n$/],
  ['accuracy/index.ts --limit x', /^--limit expected a whole number from 1, got "x"\n$/],
  ['peers/index.ts --shape 1x513', /^a shape is BATCHxSEQ, [^\n]+, not "1x513"\n$/],
  ['pipeline/index.ts --sentences 0', /^--sentences expected a whole number from 1, got "0"\n$/],
  ['training/index.ts --recompute yes', /^--recompute expected some of off, on, got "yes"\n$/],
  ['training/index.ts --unknown', /^Unknown option '--unknown'\n$/],
];

test('a wrong one ends the bench with one line, before anything begins', async () => {
  for (const [words, said] of WRONG) {
    const { code, out, err } = await bench(words);
    assert.equal([code, out], [1, ''], words);
    assert.match(err, said);
  }
});

test('choices', () => {
  assert.equal(parseThreads('1,64'), [1, 64]);
  for (const text of ['', '0', '1,', '65', '1.5', 'auto'])
    assert.throws(() => parseThreads(text), /--threads expected/);
  assert.is(parseCount('rounds', '7'), 7);
  for (const text of ['', '0', '-1', '1e3', '9'.repeat(17)]) {
    assert.throws(() => parseCount('rounds', text), /^--rounds expected a whole number from 1, got/);
  }
  assert.equal(['0', '0.01', '20'].map(parseSeconds), [0, 0.01, 20]);
  for (const text of ['', 'x', '-1', '1s', 'Infinity']) assert.throws(() => parseSeconds(text), /--seconds expected/);
  assert.equal(parseDtypes('int8'), ['int8']);
  assert.throws(() => parseDtypes('int4'), /--dtype expected some of float32, int8, got "int4"/);
  assert.equal(chooseSome('only', undefined, ['a', 'b']), ['a', 'b']);
});

test('whatever changes the rows writes no report', () => {
  const options = {
    dtype: { type: 'string' },
    threads: { type: 'string' },
    shape: { type: 'string', multiple: true },
    only: { type: 'string' },
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string' },
    wide: { type: 'boolean' },
    add: { type: 'boolean' },
    json: { type: 'string' },
  } as const;
  const partial = (words: string, whole?: string[]) =>
    readArguments(options, (values) => values, whole, words.split(' ').filter(Boolean)).partial;
  for (const words of ['', '--wide', '--json file', '--add --dtype int8 --threads 1 --shape 1x1']) {
    assert.is(partial(words), false, words);
  }
  for (const word of ['--seconds 1', '--rounds 3', '--only a']) {
    assert.is(partial(word), true, word);
    assert.is(partial(`${word} --add --dtype int8`), true, word);
  }
  for (const word of ['--dtype int8', '--threads 1', '--shape 1x1']) assert.is(partial(word), true, word);
  assert.is(partial('--only a', ['only']), false);
});

test.run();
