/** The embedded checkpoints answer as their float64 references: same ids, same words and labels, same scores. */

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertTokenizer, pipeline } from '../../src/entry/index.js';
import { AlbertForPreTraining } from '../../src/model/models.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { MODEL } from '../tokenizer/support.js';

const expected = JSON.parse(readFileSync(new URL('../fixtures/models/expected.json', import.meta.url), 'utf8'));

/** The most that a probability may be off. */
const TOLERANCE = 1e-5;

const models = suite('embedded models');
let sentences = 0;

function near(got: number | undefined, want: number, what: string): void {
  assert.ok(Math.abs((got ?? Number.NaN) - want) <= TOLERANCE, `${what}: ${got}, expected ${want}`);
}

for (const { name, wasmUrl } of BUILDS) {
  models(`fill-mask, ${name}`, async () => {
    await using fill = await pipeline('fill-mask', undefined, { wasmUrl });
    for (const { text, input_ids, top5 } of expected.fill_mask) {
      assert.equal(fill.tokenizer.encode(text).input_ids, input_ids);
      const [words = []] = await fill(text, { top_k: 5 });
      assert.equal(
        words.map(({ token }) => token),
        top5.map(({ id }: { id: number }) => id),
        text,
      );
      words.forEach(({ token, score }, i) => {
        near(score, top5[i].score, text);
        assert.is(fill.tokenizer.id_to_token(token), top5[i].token);
      });
      sentences++;
    }
  });

  models(`sentiment, ${name}`, async () => {
    await using classify = await pipeline('sentiment-analysis', undefined, { wasmUrl });
    for (const { text, input_ids, scores } of expected.sentiment) {
      assert.equal(classify.tokenizer.encode(text).input_ids, input_ids);
      const labels = await classify(text, { top_k: 2 });
      const wanted = Object.values(classify.model.config.id2label);
      assert.is(labels[0]?.label, wanted[scores.indexOf(Math.max(...scores))], text);
      wanted.forEach((id, i) => {
        near(labels.find((l) => l.label === id)?.score, scores[i], text);
      });
      sentences++;
    }
  });

  models(`sentence order, ${name}`, async () => {
    await using model = await AlbertForPreTraining.from_pretrained(MODEL, { wasmUrl });
    const tokenizer = await AlbertTokenizer.from_pretrained(MODEL);
    for (const { a, b, input_ids, token_type_ids, logits } of expected.sop) {
      const encoding = tokenizer.encode(a, { text_pair: b });
      assert.equal([encoding.input_ids, encoding.token_type_ids], [input_ids, token_type_ids]);
      const { sop_logits } = await model.forward({ input_ids, token_type_ids });
      sop_logits.data.forEach((value, i) => {
        near(value, logits[i], 'sop');
      });
      sentences++;
    }
  });
}

models('every sentence was compared', () => {
  const count = expected.fill_mask.length + expected.sentiment.length + expected.sop.length;
  stateCases(sentences, 19 * BUILDS.length);
  assert.is(sentences, count * BUILDS.length);
});

models.run();
