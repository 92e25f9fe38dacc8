/** transformers.js beside this library, on the same weights: same labels and words, scores within 1e-4. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type LabelScore, pipeline, type QuestionAnswer, type Tensor } from '../../src/entry/index.js';
import { Project, snippetsOf } from '../docs/snippets.js';
import { stateCases } from '../support/cases.js';
import { install } from '../support/npm.js';
import { writeOurs, writeTheirs } from './models.js';

const HERE = new URL('.', import.meta.url);
const PAGE = new URL('../../docs/migrating-from-transformers-js.md', HERE);
const EXPECTED = JSON.parse(readFileSync(new URL('../fixtures/models/expected.json', HERE), 'utf8'));

/** The most that two numbers may differ. */
const TOLERANCE = 1e-4;

const test = suite('transformers.js');

function installed(): boolean {
  try {
    console.log(install(HERE));
    return true;
  } catch (error) {
    console.log(`skipped: transformers.js cannot be installed: ${(error as Error).message}`);
    return false;
  }
}
const compare = installed() ? test : test.skip;

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-transformers-`);
const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
let numbers = 0;

test.before(async () => {
  for (const path of [ours, theirs]) mkdirSync(path);
  await writeOurs(ours);
  await writeTheirs(theirs);
});
test.after(() => rmSync(folder, { recursive: true }));

/** What transformers.js answers: a result for each call of a model. */
async function ask<Result>(task: string, model: string, calls: readonly (readonly unknown[])[]): Promise<Result[]> {
  const program = fileURLToPath(new URL('answers.js', HERE));
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 2 ** 27, timeout: 120_000 };
    const child = execFile(process.execPath, [program, theirs], options, (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout.trim().split('\n').at(-1) as string));
    });
    child.stdin?.end(JSON.stringify({ task, model, calls }));
  });
}

/** Fails unless both are the same, except for numbers within the tolerance. */
function near(got: unknown, wanted: unknown, where: string): void {
  if (typeof got === 'number' && typeof wanted === 'number') {
    numbers++;
    assert.ok(Math.abs(got - wanted) <= TOLERANCE, `${where}: ${got}, there ${wanted}`);
  } else if (typeof got === 'object' && got !== null && typeof wanted === 'object' && wanted !== null) {
    assert.equal(Object.keys(got), Object.keys(wanted), where);
    for (const [key, value] of Object.entries(got)) near(value, (wanted as never)[key], `${where}.${key}`);
  } else assert.is(got, wanted, where);
}

const TEXTS: readonly string[] = EXPECTED.sentiment.map(({ text }: { text: string }) => text);
/** Capitals, accents, signs, emoji, runs of spaces, a text of one word and one that is cut. */
const MIXED = [
  ...TEXTS,
  'Zoë’s “naïve” café — ﬁne!',
  'HELLO   world\tagain',
  '价格 is 5 € … 👍🏽',
  'ok',
  'The plot makes no sense. '.repeat(150),
];

compare('text classification: every label of every text, alone and together', async () => {
  await using classify = await pipeline('sentiment-analysis', join(ours, 'my/albert-sentiment'));
  const [all, many, ...one] = await ask<object[]>('sentiment-analysis', 'my/albert-sentiment', [
    [MIXED, { top_k: null }],
    [MIXED],
    ...MIXED.map((text) => [text]),
  ]);
  near(await classify(MIXED, { top_k: null }), all, 'all');
  near((await classify(MIXED)).flat(), many, 'many');
  for (const [i, text] of MIXED.entries()) near(await classify(text), one[i], text);
});

compare('a model of one label: its sigmoid; there always 1', async () => {
  await using run = await pipeline('text-classification', join(ours, 'my/albert-score'));
  const [there] = await ask<LabelScore[]>('text-classification', 'my/albert-score', [['ok']]);
  assert.equal(there, [{ label: 'score', score: 1 }]);
  const [logit] = await run('ok', { function_to_apply: 'none' });
  const [here] = await run('ok');
  assert.is(here?.score, 1 / (1 + Math.exp(-(logit?.score as number))));
  assert.ok((here?.score as number) < 0.99);
});

compare('fill-mask: words, ids and scores of the first mask', async () => {
  await using fill = await pipeline('fill-mask', join(ours, 'my/albert-words'));
  const texts = EXPECTED.fill_mask.map(({ text }: { text: string }) => text);
  const two = 'The [MASK] sat on the [MASK].';
  type Words = { token: number; token_str: string; score: number; sequence: string }[];
  const wanted = await ask<Words>(
    'fill-mask',
    'my/albert-words',
    [...texts, two].map((text) => [text]),
  );
  const plain = (words: Words = []) => words.map(({ token, token_str, score }) => ({ token, token_str, score }));
  for (const [i, text] of [...texts, two].entries()) {
    const masks = await fill(text);
    near(plain(masks[0]), plain(wanted[i]), text);
    assert.is(masks.length, text === two ? 2 : 1);
  }
  assert.is(wanted.at(-1)?.[0]?.sequence, 'the girl sat on the.');
  assert.is((await fill(two))[0]?.[0]?.sequence, 'the girl sat on the[MASK] .');
});

compare('feature extraction: states and poolings; the last token is each text’s own', async () => {
  await using embed = await pipeline('feature-extraction', join(ours, 'my/albert'));
  type State = { shape: number[]; data: number[] };
  const texts = ['One', 'a rather longer text than that', 'two words'];
  const poolings = ['none', 'mean', 'cls', 'first_token', 'last_token', 'eos'] as const;
  const calls = poolings.flatMap((pooling) => texts.map((text) => [text, { pooling }]));
  const normalized = { pooling: 'mean', normalize: true } as const;
  const wanted = await ask<State>('feature-extraction', 'my/albert', [
    ...calls,
    [texts, normalized],
    [texts, { pooling: 'last_token' }],
  ]);
  const same = (got: Tensor<Float32Array> | undefined, { shape, data }: State, where: string) => {
    assert.equal([1, ...(got?.shape ?? [])], shape, where);
    near([...(got?.data ?? [])], data, where);
  };
  for (const [i, [text, options]] of calls.entries()) {
    same(await embed(text as string, options as object), wanted[i] as State, `${text} ${JSON.stringify(options)}`);
  }
  const [means, lasts] = wanted.slice(-2) as [State, State];
  const rowOf = ({ data }: State, i: number): State => ({ shape: [1, 512], data: data.slice(i * 512, (i + 1) * 512) });
  const [ownMeans, ownLasts] = [await embed(texts, normalized), await embed(texts, { pooling: 'last_token' })];
  for (const i of texts.keys()) same(ownMeans[i], rowOf(means, i), `mean of ${i}`);
  // Theirs is padding's, but for the longest text.
  same(ownLasts[1], rowOf(lasts, 1), 'the longest');
  for (const i of [0, 2]) {
    const apart = rowOf(lasts, i).data.reduce((sum, x, j) => sum + Math.abs(x - (ownLasts[i]?.data[j] as number)), 0);
    assert.ok(apart > 1, `${texts[i]}: ${apart}`);
  }
});

const CONTEXTS = [
  'Clara lives in Berkeley.',
  'Clara Zetkin lived in Berkeley with Rosa, who came from Paris to see her friend and the sea.',
  'Prices rose faster than wages last year, he said.',
];

compare('question answering: an object or a list, scores and words', async () => {
  await using answer = await pipeline('question-answering', join(ours, 'my/albert-answers'));
  const question = 'Who lives there?';
  type Answer = Pick<QuestionAnswer, 'score' | 'answer'>;
  const wanted = await ask<Answer | Answer[]>(
    'question-answering',
    'my/albert-answers',
    CONTEXTS.flatMap((context) => [
      [question, context],
      [question, context, { top_k: 9 }],
    ]),
  );
  const plain = ({ answer, score }: Answer): Answer => ({ answer: answer.toLowerCase(), score });
  // Their answers are of any length, and no wider than their tokens.
  const options = { align_to_words: false, max_answer_len: 64 };
  for (const [i, context] of CONTEXTS.entries()) {
    near(plain(await answer({ question, context }, options)), wanted[2 * i], context);
    const nine = await answer({ question, context }, { ...options, top_k: 9 });
    near(nine.map(plain), wanted[2 * i + 1], context);
  }
  assert.equal(await ask('question-answering', 'my/albert-answers', [[question, CONTEXTS[0], { top_k: 1 }]]), [
    wanted[0],
  ]);
});

compare('token classification: labels of tokens, and groups', async () => {
  await using tag = await pipeline('token-classification', join(ours, 'my/albert-names'));
  const all = { ignore_labels: [] };
  const simple = { aggregation_strategy: 'simple', ignore_labels: [] } as const;
  type Entity = { word: string };
  // The label of "lives" is O, those around it are I-LOC.
  const parted = 'Clara lives in Berkeley';
  const wanted = await ask<Entity[]>('token-classification', 'my/albert-names', [
    ...CONTEXTS.flatMap((text) => [
      [text, all],
      [text, simple],
    ]),
    [parted, { aggregation_strategy: 'simple' }],
  ]);
  const [many] = await ask<Entity[][]>('token-classification', 'my/albert-names', [[CONTEXTS, all]]);
  const plain = ({ start, end, word, ...entity }: Entity & { start: number; end: number }) => ({
    ...entity,
    word: word.toLowerCase(),
  });
  for (const [i, text] of CONTEXTS.entries()) {
    const sorted = (entities: readonly object[] = []) =>
      entities.map((entity) => Object.fromEntries(Object.entries(entity).sort()));
    near(sorted((await tag(text, all)).map(plain)), sorted(wanted[2 * i]), text);
    near(sorted((await tag(text, simple)).map(plain)), sorted(wanted[2 * i + 1]), text);
    near(sorted((await tag(CONTEXTS, all))[i]?.map(plain)), sorted(many?.[i]), text);
  }
  const words = (entities: readonly Entity[] = []) => entities.map(({ word }) => word.toLowerCase());
  assert.equal(words(wanted.at(-1)), ['clara in berkeley']);
  assert.equal(words(await tag(parted, { aggregation_strategy: 'simple' })), ['clara', 'in berkeley']);
});

compare('each pair of programs in docs/migrating-from-transformers-js.md prints the same', async () => {
  const project = new Project();
  try {
    project.link(fileURLToPath(new URL('node_modules/@huggingface', HERE)), 'node_modules/@huggingface');
    project.link(join(ours, 'my'), 'my');
    const offline = `import { env } from '@huggingface/transformers';
      env.allowRemoteModels = false;
      env.localModelPath = ${JSON.stringify(`${theirs}/`)};`;
    const programs = snippetsOf(readFileSync(PAGE, 'utf8'));
    for (let i = 0; i < programs.length; i += 2) {
      const [there, here] = programs.slice(i, i + 2) as [string, string];
      const wanted = await project.printed(there, 'theirs', offline);
      assert.ok(wanted.length > 0);
      near(await project.printed(here, 'ours'), wanted, here);
    }
    assert.is(programs.length, 12);
  } finally {
    project.remove();
  }
});

compare('every number was compared', () => stateCases(numbers, 10_000));

test.run();
