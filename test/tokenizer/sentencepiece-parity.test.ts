/** Ids equal those of C++ SentencePiece after ALBERT's normalisation, from either tokenizer file. */
import { Tokenizer } from '@huggingface/tokenizers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { CONFIG, fromJson, fromSpiece, GOLDEN, hostileText, readJson, seeded, smallTokenizerJson } from './support.js';

const test = suite('SentencePiece parity');

test('300 texts have the ids of spm_encode', () => {
  for (const { text, ids } of GOLDEN) {
    assert.equal(fromSpiece.encode(text, { add_special_tokens: false }).input_ids, ids, text);
  }
  assert.is(GOLDEN.length, 300);
});

test('every sentence of the models’ reference outputs has its ids', () => {
  const expected = readJson('models/expected.json');
  let cases = 0;
  for (const { text, input_ids } of [...expected.fill_mask, ...expected.sentiment]) {
    assert.equal(fromJson.encode(text).input_ids, input_ids, text);
    cases++;
  }
  for (const { a, b, input_ids, token_type_ids } of expected.sop) {
    const encoding = fromJson.encode(a, { text_pair: b });
    assert.equal(encoding.input_ids, input_ids, a);
    assert.equal(encoding.token_type_ids, token_type_ids, a);
    cases++;
  }
  assert.ok(cases >= 19, `only ${cases} cases`);
});

test('tokenizer.json and spiece.model give identical encodings of Latin letters and ASCII', () => {
  const random = seeded(3);
  const texts = [
    ...GOLDEN.map(({ text }) => text),
    ...Array.from({ length: 3000 }, () => hostileText(random, random(80)).replace(/[^\0-\u024f…“”]/g, '')),
    // Of marks, Hangul, a final sigma and ties in long runs the library has its own idea: docs/tokenizers.md.
  ].filter((text) => /^[\t\n\r\x20-\u024f…“”]*$/.test(text) && !/[\x7f-\x9f…\xad]|[-.]{4}/.test(text));
  for (const text of texts) assert.equal(fromSpiece.encode(text), fromJson.encode(text), text);
  assert.ok(texts.length >= 1000, `${texts.length} texts`);
  for (const key of ['vocab_size', 'model_max_length', 'mask_token_id', 'cls_token_id', 'unk_token'] as const) {
    assert.is(fromSpiece[key], fromJson[key]);
  }
});

test('plain English agrees with an independent implementation, ids and text', () => {
  const file = smallTokenizerJson(16000);
  const peer = new Tokenizer(file, {
    ...JSON.parse(new TextDecoder().decode(CONFIG)),
    clean_up_tokenization_spaces: false,
  });
  const words =
    'in the year 2008 , a small Town near "Paris" had (at most) three naïve cafés - and 1,000 cats ! it\'s'.split(' ');
  const random = seeded(5);
  let cases = 0;
  for (; cases < 300; cases++) {
    const text = Array.from({ length: 1 + random(40) }, () => words[random(words.length)]).join(' ');
    const { input_ids } = fromJson.encode(text);
    assert.equal(input_ids, peer.encode(text).ids, text);
    for (const skip_special_tokens of [true, false]) {
      assert.is(fromJson.decode(input_ids, { skip_special_tokens }), peer.decode(input_ids, { skip_special_tokens }));
    }
  }
  assert.is(cases, 300);
});

test.run();
