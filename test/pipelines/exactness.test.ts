/** The shipped models in each build of the kernels, beside plain SIMD's answers: docs/exactness.md's bounds, and what is equal bit for bit. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline, type SequenceClassificationOutput } from '../../src/entry/index.js';
import type { InitOptions } from '../../src/model/options.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { withoutWebAssembly } from '../support/without-webassembly.js';

const test = suite('exactness');

const lines = readFileSync(new URL('../../bench/accuracy/sentences.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');
/** Sentences for the fast builds; the first of them for the scalar one. */
const TEXTS = lines.filter((_, i) => i % 6 === 0);
const FEW = TEXTS.slice(0, 6);

/**
 * The most that a probability may differ from plain SIMD's. Measured on all 312 sentences: relaxed SIMD in int8 0.060, the median
 * 0.0014, with activations of 7 bits, 0.030 and 7.7e-4 with 8; on 85 of them the scalar build in int8 8.6e-4, either in float32 9.3e-7.
 */
const ALLOWED = {
  float32: { relaxed: 1e-5, scalar: 1e-5 },
  int8: { relaxed: 0.08, scalar: 0.005 },
} as const;

const urlOf = (build: string) => new URL(`../../build/${build}.wasm`, import.meta.url);

async function positives(texts: readonly string[], options: InitOptions): Promise<number[]> {
  await using classify = await pipeline('sentiment-analysis', undefined, options);
  const answers = await classify(texts, { top_k: null });
  return answers.map((labels) => labels.find(({ label }) => label === 'POSITIVE')?.score ?? Number.NaN);
}

let scores = 0;
for (const dtype of ['float32', 'int8'] as const) {
  for (const { name, wasmUrl } of BUILDS) {
    // The debug build is plain SIMD's source, with asserts.
    if (name === 'simd' || name === 'debug') continue;
    test(`${dtype}: ${name} beside plain SIMD`, async () => {
      const texts = name === 'scalar' ? FEW : TEXTS;
      const wanted = await positives(texts, { dtype, wasmUrl: urlOf('simd') });
      const got = await positives(texts, { dtype, wasmUrl });
      const apart = got.map((score, i) => Math.abs(score - (wanted[i] as number)));
      for (const [i, difference] of apart.entries()) {
        assert.ok(difference <= ALLOWED[dtype][name], `${texts[i]}: ${got[i]}, plain SIMD ${wanted[i]}`);
        scores++;
      }
      // Not the same kernels under another name.
      assert.ok(Math.max(...apart) > 0);
    });
  }
}

/** Of the last two layers' states and the logits of three sentences. */
async function digest(options: InitOptions): Promise<string> {
  await using classify = await pipeline('sentiment-analysis', undefined, options);
  const hash = createHash('sha256');
  for (const text of lines.slice(0, 3)) {
    const inputs = classify.tokenizer.encode(text);
    const output = await classify.model.forward(inputs, { output_hidden_states: true });
    const { logits, hidden_states = [] } = output as SequenceClassificationOutput & typeof output;
    for (const { data } of [...hidden_states.slice(-2), logits]) hash.update(data);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Whatever engine and machine run them; another order of a sum, made on purpose, makes them anew. */
const DIGESTS = {
  'float32 simd': '0b9ee3998aa26038',
  'float32 scalar': '0aeb9c4e68320df0',
  'int8 simd': 'c426602d5e89948d',
  'int8 scalar': '54baf81501fad733',
} as const;

for (const [what, wanted] of Object.entries(DIGESTS)) {
  const [dtype, build] = what.split(' ') as ['float32' | 'int8', string];
  test(`${dtype}, ${build}: the same bits in every engine`, async () => {
    assert.is(await digest({ dtype, wasmUrl: urlOf(build) }), wanted);
  });
}

test('the scalar kernels as JavaScript: the bits of the module', async () => {
  assert.is(await withoutWebAssembly(() => digest({})), DIGESTS['float32 scalar']);
  assert.is(await withoutWebAssembly(() => digest({ dtype: 'int8' })), DIGESTS['int8 scalar']);
});

test('every score was compared', () => {
  const relaxed = BUILDS.some(({ name }) => name === 'relaxed');
  stateCases(scores, 2 * FEW.length + (relaxed ? 2 * TEXTS.length : 0));
});

test.run();
