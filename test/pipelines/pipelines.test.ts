/** Pipelines: shapes of results, options, errors. */

import en from '@albert-wasm/albert-mini-en';
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type AlbertForSequenceClassification,
  pipeline,
  type SequenceClassificationOutput,
} from '../../src/entry/index.js';
import { embeddedModel } from '../../src/pipelines/embedded.js';
import { CALL_OPTIONS } from '../../src/pipelines/jobs.js';
import { makePipeline } from '../../src/pipelines/pipeline.js';
import { expectError } from '../support/expect-error.js';
import { randomFiles } from './checkpoint.js';

const pipelines = suite('pipelines');

const classify = await pipeline('text-classification');
const fill = await pipeline('fill-mask');
const extract = await pipeline('feature-extraction', en);

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

pipelines('an array answers as its texts one by one, bit for bit, with any batch size', async () => {
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

pipelines('progress that is no function', async () => {
  await using classify = await pipeline('sentiment-analysis');
  await expectError(() => classify(['a'], { onProgress: 'x' as never }), 'ERR_INPUT', 'onProgress');
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
    CALL_OPTIONS,
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

/** A classifier of three labels. */
const classifierFiles = (config: object) =>
  randomFiles('sequence_classification', { id2label: { 0: 'a', 1: 'b', 2: 'c' }, ...config });

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

pipelines('scores are made of logits as Hugging Face makes them', async () => {
  const labels = { 0: 'a', 1: 'b', 2: 'c' };
  const scores = async (config: object, options = {}) => {
    await using run = await pipeline('text-classification', await classifierFiles(config));
    const { logits } = (await run.model.forward(run.tokenizer.encode('A text.'))) as SequenceClassificationOutput;
    const got = await run('A text.', { top_k: null, ...options });
    const names = Object.values(run.model.config.id2label);
    return { logits: [...logits.data], got: names.map((name) => got.find(({ label }) => label === name)?.score ?? 9) };
  };
  const near = (got: number[], wanted: number[]) => {
    assert.is(got.length, wanted.length);
    got.forEach((score, i) => {
      assert.ok(Math.abs(score - (wanted[i] as number)) < 1e-12, `${got}, ${wanted}`);
    });
  };
  const sigmoids = (logits: number[]) => logits.map((x) => 1 / (1 + Math.exp(-x)));
  const softmax = (logits: number[]) => {
    const sum = logits.reduce((total, x) => total + Math.exp(x), 0);
    return logits.map((x) => Math.exp(x) / sum);
  };
  for (const [config, wanted] of [
    [{}, softmax],
    [{ problem_type: 'single_label_classification' }, softmax],
    [{ problem_type: 'multi_label_classification' }, sigmoids],
    [{ problem_type: 'regression' }, (x: number[]) => x],
    [{ id2label: { 0: 'only' } }, sigmoids],
    [{ id2label: { 0: 'only' }, problem_type: 'regression' }, (x: number[]) => x],
  ] as const) {
    const { logits, got } = await scores({ id2label: labels, ...config });
    near(got, wanted(logits));
  }
  const { logits, got } = await scores({ problem_type: 'regression' }, { function_to_apply: 'softmax' });
  near(got, softmax(logits));
  await expectError(() => classify('a', { function_to_apply: 'relu' as never }), 'ERR_INPUT', 'sigmoid, softmax, none');
});

pipelines('a pair is one sequence of two types', async () => {
  await using run = await pipeline('text-classification', await classifierFiles({}));
  const pair = { text: 'A man sleeps.', text_pair: 'Somebody is awake.' };
  const { input_ids, token_type_ids } = run.tokenizer.encode(pair.text, { text_pair: pair.text_pair });
  const logits = async (types: boolean) => {
    const output = await run.model.forward({ input_ids, ...(types && { token_type_ids }) });
    return Object.fromEntries([...(output as SequenceClassificationOutput).logits.data].map((x, i) => ['abc'[i], x]));
  };
  const got = await run(pair, { top_k: null, function_to_apply: 'none' });
  const labels = (await logits(true)) as Record<string, number>;
  for (const { label, score } of got) assert.is(score, labels[label]);
  assert.not.equal(await logits(false), labels);
  assert.equal(await run([pair, 'one text'], { top_k: 2 }), [
    await run(pair, { top_k: 2 }),
    await run('one text', { top_k: 2 }),
  ]);
  await expectError(() => run({ text: 'a' } as never), 'ERR_INPUT', '"text_pair" expected a string, got undefined');
  await expectError(() => run(['a', { text_pair: 'b' }] as never), 'ERR_INPUT', 'inputs[1]: "text" expected a string');
  const wanted = 'inputs[0]: "input" expected a text, or an object with text and text_pair, got ["a"]';
  await expectError(() => run([['a']] as never), 'ERR_INPUT', wanted);
});

pipelines('targets: these words only, with the scores that they have among all', async () => {
  const text = 'Paris is the capital of [MASK].';
  const [all = []] = await fill(text, { top_k: fill.model.config.vocab_size });
  const [some = []] = await fill(text, { targets: ['Germany', 'france', ',', 'France'] });
  assert.equal(
    some.map(({ token_str }) => token_str),
    ['france', 'germany', ','],
  );
  for (const word of some)
    assert.equal(
      word,
      all.find(({ token }) => token === word.token),
    );
  assert.equal(await fill(text, { targets: 'germany' }), [[some[1]]]);
  assert.equal(await fill(text, { targets: ['germany', 'france'], top_k: 1 }), [[some[0]]]);
  const refused: [unknown, string][] = [
    [['france', '漢字'], 'words that the vocabulary can spell, got "漢字" at [1]'],
    [[''], 'can spell'],
    [[], 'at least one'],
    [[7], 'a string, got 7 at [0]'],
  ];
  for (const [targets, words] of refused) {
    await expectError(() => fill(text, { targets: targets as never }), 'ERR_INPUT', '"targets"', words);
  }
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
  const last = await extract('Two words', { pooling: 'last_token' });
  assert.equal([...last.shape], [512]);
  assert.equal(last.data, tokens.data.slice(3 * 512));
  for (const [pooling, wanted] of [
    ['first_token', cls],
    ['eos', last],
  ] as const) {
    assert.equal((await extract('Two words', { pooling })).data, wanted.data);
  }
  const unit = await extract('Two words', { pooling: 'mean', normalize: true });
  assert.ok(Math.abs(Math.hypot(...unit.data) - 1) < 1e-6);
});

pipelines('the small models are packages: found by name in Node, or imported and passed', async () => {
  await using imported = await pipeline('sentiment-analysis', sst2);
  assert.equal(await imported('What a lovely day'), await classify('What a lovely day'));
  await using filling = await pipeline('fill-mask', en);
  assert.equal(await filling('The [MASK] sat.'), await fill('The [MASK] sat.'));
  const missing = () => embeddedModel('@albert-wasm/none', 'fill-mask');
  const advice = [
    'npm install @albert-wasm/none',
    "import model from '@albert-wasm/none'",
    "pipeline('fill-mask', model)",
  ];
  await expectError(
    async () => missing(),
    'ERR_SOURCE',
    '"source" expected a model for fill-mask, got none',
    ...advice,
  );
});

pipelines('bad calls are refused', async () => {
  await expectError(() => pipeline('translation' as never), 'ERR_INPUT', 'task', 'fill-mask');
  await expectError(() => pipeline('toString' as never), 'ERR_INPUT', 'task');
  await expectError(
    () => pipeline('sentiment-analysis', { dtype: 'int8' } as never),
    'ERR_INPUT',
    'a source before the options',
  );
  for (const task of ['question-answering', 'multiple-choice'] as const) {
    await expectError(
      () => pipeline(task),
      'ERR_INPUT',
      `"source" expected a checkpoint for ${task}, as there is no small one`,
    );
  }
  await expectError(() => classify(7 as never), 'ERR_INPUT', '"text" expected a string, got 7');
  await expectError(() => classify(['a', 7] as never), 'ERR_INPUT', 'inputs[1]: "text" expected a string, got 7');
  await expectError(() => classify('a', { top_k: 0 }), 'ERR_INPUT', 'top_k');
  await expectError(() => fill('no mask here'), 'ERR_INPUT', '[MASK]');
  await expectError(() => extract('a', { pooling: 'most' as never }), 'ERR_INPUT', 'pooling');
  await expectError(() => classify('a', { signal: AbortSignal.abort() }), 'ERR_ABORTED');
});

pipelines('dispose ends a pipeline', async () => {
  await Promise.all([classify.dispose(), fill.dispose(), extract.dispose()]);
  await expectError(() => classify('a'), 'ERR_DISPOSED');
});

pipelines.run();
