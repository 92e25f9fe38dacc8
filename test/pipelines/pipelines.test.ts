/** Pipelines: shapes of results, options, errors. */

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertForSequenceClassification, pipeline } from '../../src/index.js';
import type { ModelFiles } from '../../src/source.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { expectError } from '../expect-error.js';

const pipelines = suite('pipelines');

const classify = await pipeline('text-classification');
const fill = await pipeline('fill-mask');
const extract = await pipeline('feature-extraction');

pipelines('one text gives one result, an array one each, the same', async () => {
  const one = await classify('A lovely film.');
  assert.is(one.length, 1);
  assert.is(one[0]?.label, 'POSITIVE');
  const many = await classify(['A lovely film.', 'A dreadful film.']);
  assert.equal(many[0], one);
  assert.is(many[1]?.[0]?.label, 'NEGATIVE');
  assert.equal(await classify([]), []);
});

pipelines('top_k labels, best first, sum to 1', async () => {
  const labels = await classify('A lovely film.', { top_k: 9 });
  assert.is(labels.length, 2);
  assert.ok((labels[0]?.score ?? 0) > (labels[1]?.score ?? 1));
  assert.ok(Math.abs(labels.reduce((sum, { score }) => sum + score, 0) - 1) < 1e-12);
});

/** A classifier of three labels over the embedded vocabulary. */
async function classifierFiles(config: object): Promise<ModelFiles> {
  const directory = new URL('../../models/albert-mini-en-sst2/', import.meta.url);
  const small = {
    ...JSON.parse(readFileSync(new URL('config.json', directory), 'utf8')),
    embedding_size: 8,
    hidden_size: 16,
    num_attention_heads: 2,
    intermediate_size: 16,
    num_hidden_layers: 2,
    max_position_embeddings: 16,
    initializer_range: 0.5,
    id2label: { 0: 'a', 1: 'b', 2: 'c' },
    ...config,
  };
  await using model = await AlbertForSequenceClassification.from_config(small);
  const tensors = [...model.params].map(([name, { shape, data }]) => ({ name, shape, data }));
  return {
    'config.json': JSON.stringify(small),
    'model.safetensors': encodeSafetensors(tensors, 'F16', {}),
    'tokenizer.json': readFileSync(new URL('tokenizer.json', directory), 'utf8'),
  };
}

pipelines('labels that do not exclude each other have probabilities of their own', async () => {
  const single = await pipeline('text-classification', await classifierFiles({}));
  const multi = await pipeline(
    'text-classification',
    await classifierFiles({ problem_type: 'multi_label_classification' }),
  );
  const sum = (labels: { score: number }[]) => labels.reduce((total, { score }) => total + score, 0);
  const [one, three] = [await single('text', { top_k: 3 }), await multi('text', { top_k: 3 })];
  assert.ok(Math.abs(sum(one) - 1) < 1e-12);
  assert.ok(Math.abs(sum(three) - 1) > 1e-3);
  assert.equal(
    one.map(({ label }) => label),
    three.map(({ label }) => label),
  );
  await Promise.all([single.dispose(), multi.dispose()]);
});

pipelines('a text past the positions is cut', async () => {
  await using short = await pipeline('text-classification', await classifierFiles({}));
  const [best] = await short('word '.repeat(500));
  assert.ok(Number.isFinite(best?.score));
});

pipelines('every mask is filled', async () => {
  const masks = await fill('The [MASK] sat on the [MASK].', { top_k: 3 });
  assert.equal(
    masks.map((words) => words.length),
    [3, 3],
  );
  const [word] = masks[1] ?? [];
  // The tokenizer sees a space between a mask and the full stop.
  assert.is(word?.sequence, `the[MASK] sat on the ${word?.token_str} .`);
});

pipelines('embeddings: shapes, pooling, length', async () => {
  const tokens = await extract('Two words');
  assert.equal([...tokens.shape], [4, 512]);
  const cls = await extract('Two words', { pooling: 'cls' });
  assert.equal(cls.data, tokens.data.slice(0, 512));
  const mean = await extract('Two words', { pooling: 'mean' });
  assert.equal([...mean.shape], [512]);
  const column = [0, 1, 2, 3].reduce((sum, row) => sum + (tokens.data[row * 512 + 7] as number), 0) / 4;
  assert.ok(Math.abs((mean.data[7] as number) - column) < 1e-6);
  const unit = await extract('Two words', { pooling: 'mean', normalize: true });
  assert.ok(Math.abs(Math.hypot(...unit.data) - 1) < 1e-6);
});

pipelines('bad calls are refused', async () => {
  await expectError(() => pipeline('translation' as never), 'ERR_INPUT', 'task', 'fill-mask');
  await expectError(() => pipeline('toString' as never), 'ERR_INPUT', 'task');
  await expectError(() => classify(7 as never), 'ERR_INPUT', 'texts');
  await expectError(() => classify(['a', 7] as never), 'ERR_INPUT', 'texts');
  await expectError(() => classify('a', { top_k: 0 }), 'ERR_INPUT', 'top_k');
  await expectError(() => fill('no mask here'), 'ERR_INPUT', '[MASK]');
  await expectError(() => extract('a', { pooling: 'max' as never }), 'ERR_INPUT', 'pooling');
  await expectError(() => classify('a', { signal: AbortSignal.abort() }), 'ERR_ABORTED');
});

pipelines('dispose ends a pipeline', async () => {
  await Promise.all([classify.dispose(), fill.dispose(), extract.dispose()]);
  await expectError(() => classify('a'), 'ERR_DISPOSED');
});

pipelines.run();
