/** The embedded checkpoints in int8: float32's words and labels, and its accuracy on SST-2. */
import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline } from '../../src/entry/index.js';
import { BUILDS } from '../support/builds.js';

const expected = JSON.parse(readFileSync(new URL('../fixtures/models/expected.json', import.meta.url), 'utf8'));

/** Sentences of SST-2's development set, a project's neighbour where it is there at all. */
const SST2 = new URL('../../../shared/data/sst2_dev_first_half.jsonl', import.meta.url);
/** Sentences of it, and how many float32 gets right in either build. */
const [SENTENCES, FLOAT32_RIGHT] = [436, 377];

/** Measured: fill-mask at most 0.005 off with plain SIMD or without, 0.03 with relaxed; sentiment 0.025, and with relaxed SIMD 0.041. */
const TOLERANCE = { simd: 0.03, relaxed: 0.05, scalar: 0.03 };

const int8 = suite('embedded models in int8');

for (const { name, wasmUrl } of BUILDS) {
  // Bit for bit the plain build's answers, slowly.
  if (name === 'debug') continue;

  int8(`fill-mask, ${name}`, async () => {
    await using fill = await pipeline('fill-mask', undefined, { wasmUrl, dtype: 'int8' });
    for (const { text, top5 } of expected.fill_mask) {
      const [[best] = []] = await fill(text, { top_k: 1 });
      assert.is(best?.token, top5[0].id, text);
      assert.ok(Math.abs((best?.score ?? Number.NaN) - top5[0].score) <= TOLERANCE[name], `${text}: ${best?.score}`);
    }
  });

  int8(`sentiment, ${name}`, async () => {
    await using classify = await pipeline('sentiment-analysis', undefined, { wasmUrl, dtype: 'int8' });
    const { id2label } = classify.model.config;
    for (const { text, scores } of expected.sentiment) {
      // Every label's score: which of 0.495 and 0.505 is the first cannot be promised.
      const labels = await classify(text, { top_k: 2 });
      for (const { label, score } of labels) {
        const exact = scores[Object.values(id2label).indexOf(label)];
        assert.ok(Math.abs(score - exact) <= TOLERANCE[name], `${text}: ${label} ${score}, not ${exact}`);
      }
    }
  });

  // Its products are plain SIMD's bit for bit, in twenty times the time.
  if (name === 'scalar') continue;

  const there = existsSync(SST2);
  if (!there) console.log(`skipped: accuracy on SST-2, ${name}: there is no ../shared/data beside the project`);
  (there ? int8 : int8.skip)(`accuracy on SST-2, ${name}`, async () => {
    const lines = readFileSync(SST2, 'utf8').trim().split('\n');
    assert.is(lines.length, SENTENCES);
    await using classify = await pipeline('sentiment-analysis', undefined, { wasmUrl, dtype: 'int8' });
    let right = 0;
    for (const line of lines) {
      const { text, label } = JSON.parse(line);
      const [best] = await classify(text);
      right += Number((best?.label === 'POSITIVE') === (label === 1));
    }
    // At most half a point below.
    assert.ok(right >= FLOAT32_RIGHT - SENTENCES * 0.005, `${right} of ${SENTENCES}, float32 ${FLOAT32_RIGHT}`);
  });
}

int8.run();
