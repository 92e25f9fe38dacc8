/** Every layout of `table.ts`, written by `../shared/fixtures/layouts/layouts.py`, loaded from its directory by a pipeline. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pipeline } from '../../src/entry/index.js';
import { stateCases } from '../support/cases.js';
import { rejects } from '../weights/samples.js';
import { LAYOUTS, type Task } from './table.js';

const test = suite('layouts of the Hub');

const SCRIPT = fileURLToPath(new URL('../../../shared/fixtures/layouts/layouts.py', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'albert-wasm-layouts-'));

/** One input for each task, and whether an answer is one. */
const TASKS: Readonly<Record<Task, readonly [input: unknown, isAnswer: (answer: never) => boolean]>> = {
  'text-classification': [
    'A lovely day.',
    (labels: { score: number }[]) => labels.every(({ score }) => Number.isFinite(score)),
  ],
  'fill-mask': [
    'The capital of [MASK].',
    (words: { score: number }[][]) => words.flat().every(({ score }) => score > 0 && score < 1),
  ],
  'feature-extraction': ['A lovely day.', ({ data }: { data: Float32Array }) => data.every(Number.isFinite)],
  'sentence-order': [
    { first: 'One.', second: 'Two.' },
    ({ inOrder }: { inOrder: number }) => inOrder > 0 && inOrder < 1,
  ],
  'question-answering': [
    { question: 'Who?', context: 'You and me.' },
    ({ answer }: { answer: string }) => answer.length > 0,
  ],
};

test.after(() => rmSync(folder, { recursive: true }));

const written = existsSync(SCRIPT) && spawnSync('python3', [SCRIPT, `${folder}/all`]).status === 0;

if (written) {
  test('each of them has a row, and each row is one of them', () => {
    assert.equal(Object.keys(LAYOUTS).sort(), readdirSync(`${folder}/all`).sort());
    assert.is(Object.keys(LAYOUTS).length, 57);
  });

  let cases = 0;
  for (const [name, outcome] of Object.entries(LAYOUTS)) {
    test(name, async () => {
      const directory = `${folder}/all/${name}`;
      if ('refused' in outcome) {
        const task = name === 'D15-qa-three-labels' ? 'question-answering' : 'text-classification';
        await rejects(pipeline(task, directory), outcome.refused, ...outcome.words);
      } else {
        const [input, isAnswer] = TASKS[outcome.answers];
        await using run = await pipeline(outcome.answers, directory, { strict: true });
        const answer = await (run as unknown as (input: unknown) => Promise<never>)(input);
        assert.ok(isAnswer(answer), JSON.stringify(answer));
      }
      cases++;
    });
  }

  test('formats and dtypes of one model answer alike', async () => {
    const scores: number[] = [];
    const same = ['A02-pytorch-bin-only', 'A03-pytorch-bin-legacy', 'A05-flax-only', 'B-v4', 'A09-F16', 'A10-BF16'];
    for (const name of same) {
      await using classify = await pipeline('text-classification', `${folder}/all/${name}`);
      const [best] = await classify('A lovely day.');
      scores.push(best?.score as number);
    }
    const [exact] = scores as [number];
    for (const score of scores.slice(0, 4)) assert.is(score, exact);
    for (const score of scores) assert.ok(Math.abs(score - exact) < 5e-3, scores.join());
  });

  test('how many', () => stateCases(cases, 57));
} else {
  test.skip('there are no layouts');
  console.log('\nskipped: there is no ../shared/fixtures/layouts, or no python3');
}

test.run();
