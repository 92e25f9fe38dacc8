/** Pipelines: shapes of results, options, errors. */

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertForSequenceClassification, pipeline, type SequenceClassificationOutput } from '../../src/index.js';
import { makePipeline } from '../../src/pipelines/pipeline.js';
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

/** Texts of mixed lengths, every one with a mask. */
const MIXED = Array.from(
  { length: 14 },
  (_, i) => `${'a long and winding story '.repeat((i * 7) % 13)}of [MASK] ${i}.`,
);

pipelines('an array answers as its texts one by one, to the bit, whatever the batch size', async () => {
  for (const [name, run, options] of [
    ['classify', classify, { top_k: 2 }],
    ['fill', fill, { top_k: 2 }],
    ['extract', extract, {}],
  ] as const) {
    const ask = run as (input: unknown, options: object) => Promise<unknown[]>;
    const wanted: unknown[] = [];
    for (const text of MIXED) wanted.push(await ask(text, options));
    assert.equal(await ask(MIXED, options), wanted, name);
    for (const batch_size of [1, 2, 7, 1000]) {
      assert.equal(
        await ask(MIXED.slice(0, 6), { ...options, batch_size }),
        wanted.slice(0, 6),
        `${name} by ${batch_size}`,
      );
    }
  }
});

pipelines('progress is told after each run, of batch_size texts or 512 tokens', async () => {
  const progress = async (texts: string[], batch_size?: number) => {
    const steps: number[] = [];
    await classify(texts, {
      batch_size,
      onProgress({ done, total }) {
        assert.is(total, texts.length);
        steps.push(done);
      },
    });
    return steps;
  };
  assert.equal(await progress(['a', 'b', 'c', 'd', 'e'], 2), [2, 4, 5]);
  assert.equal(await progress(Array.from({ length: 40 }, () => 'a')), [32, 40]);
  // Five of 152 tokens: three of them fit.
  const long = 'story '.repeat(150);
  assert.is(classify.tokenizer.encode(long).input_ids.length, 152);
  assert.equal(await progress([long, long, long, long, long]), [3, 5]);
  assert.equal(await progress([]), []);
});

pipelines('one input may be several sequences in different runs, several outputs one answer', async () => {
  const windows = makePipeline(
    classify.model as AlbertForSequenceClassification,
    classify.tokenizer,
    (words: string[]) => ({
      sequences: words.map((word) => ({ input_ids: classify.tokenizer.encode(word).input_ids })) as never,
      decode: (outputs: readonly SequenceClassificationOutput[]) => outputs.map(({ logits }) => logits.data[0]),
    }),
  ) as unknown as (inputs: string[][], options: object) => Promise<number[][]>;
  const inputs = [['a'], ['b', 'good', 'bad', 'film'], ['c', 'd']];
  const wanted = [];
  for (const words of inputs) wanted.push(...(await windows([words], {})));
  assert.equal(
    wanted.map((logits) => logits.length),
    [1, 4, 2],
  );
  for (const batch_size of [1, 2, 3, 32]) assert.equal(await windows(inputs, { batch_size }), wanted);
});

pipelines('a text at fault is named, and the pipeline answers on', async () => {
  const good = 'A [MASK] film.';
  const wanted = await fill(good);
  await expectError(() => fill([...MIXED, 'none', good]), 'ERR_INPUT', 'inputs[14]: "text" expected [MASK]');
  await expectError(() => fill(MIXED, { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  const heard = new Error('enough');
  const onProgress = () => {
    throw heard;
  };
  await fill(good, { onProgress }).then(
    () => assert.unreachable(),
    (error) => assert.is(error, heard),
  );
  for (const batch_size of [0, 1.5, Number.NaN, '2' as never]) {
    await expectError(() => fill([good], { batch_size }), 'ERR_INPUT', '"batch_size"');
  }
  assert.equal(await fill([good]), [wanted]);
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
  await expectError(() => classify(7 as never), 'ERR_INPUT', '"text" expected a string, got 7');
  await expectError(() => classify(['a', 7] as never), 'ERR_INPUT', 'inputs[1]: "text" expected a string, got 7');
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
