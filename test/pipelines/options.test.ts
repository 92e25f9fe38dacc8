/** The options of users of transformers.js: its names, and what they ask for. */

import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline } from '../../src/entry/index.js';
import { expectError } from '../support/expect-error.js';
import { randomFiles } from './checkpoint.js';

const options = suite("transformers.js's options");

const THREE = { id2label: { 0: 'a', 1: 'b', 2: 'c' } };

options('top_k null gives all: labels, words, choices', async () => {
  await using three = await pipeline('text-classification', await randomFiles('sequence_classification', THREE));
  assert.equal(await three('text', { top_k: null }), await three('text', { top_k: 3 }));
  await using fill = await pipeline('fill-mask');
  const [words = []] = await fill('The [MASK].', { top_k: null, targets: ['door', 'room'] });
  assert.is(words.length, 2);
  await using choose = await pipeline('multiple-choice', await randomFiles('multiple_choice'));
  const input = { prompt: 'It rained, so', choices: ['he slept.', 'he ran.', 'he read.'] };
  assert.is((await choose(input, { top_k: null })).length, 3);
  assert.equal(await choose(input), await choose(input, { top_k: null }));
});

options("transformers.js's names of dtypes: the same model, under our names in info()", async () => {
  for (const [theirs, ours] of [
    ['q8', 'int8'],
    ['fp32', 'float32'],
  ] as const) {
    await using named = await pipeline('sentiment-analysis', sst2, { dtype: theirs });
    await using wanted = await pipeline('sentiment-analysis', sst2, { dtype: ours });
    assert.is(named.model.info().dtype, ours);
    assert.equal(await named('A lovely film.'), await wanted('A lovely film.'));
  }
  for (const dtype of ['q4', 'toString', null, 8]) {
    const call = () => pipeline('sentiment-analysis', sst2, { dtype: dtype as never });
    await expectError(call, 'ERR_INPUT', '"dtype" expected float32 or int8, got');
  }
});

options('the last token is that of each text, whatever the lengths beside it, and of a text that is cut', async () => {
  const texts = ['One', 'a rather longer text than that', 'two words', 'word '.repeat(600)];
  await using extract = await pipeline('feature-extraction', './models/albert-mini-en');
  const pooled = await extract(texts, { pooling: 'last_token' });
  for (const [i, text] of texts.entries()) {
    const { data, shape } = await extract(text);
    assert.equal(pooled[i]?.data, data.slice(((shape[0] as number) - 1) * 512), text.slice(0, 40));
  }
});

options.run();
