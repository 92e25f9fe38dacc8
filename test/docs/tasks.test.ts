/** docs/tasks.md: each program runs as it stands there, and prints what is shown: the same keys and types, of shipped models the same words. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ModelFiles } from '../../src/entry/index.js';
import { randomFiles } from '../pipelines/checkpoint.js';
import { Project, snippetsOf } from './snippets.js';

const test = suite('docs/tasks.md');

const page = readFileSync(new URL('../../docs/tasks.md', import.meta.url), 'utf8');
const programs = snippetsOf(page);
const shown = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = '']) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line)),
);

const MODULES = ['Transformer', 'Pooling', 'Normalize'].map((kind, i) => ({
  path: i === 0 ? '' : `${i}_${kind}`,
  type: `sentence_transformers.models.${kind}`,
}));
const MODELS: Record<string, ModelFiles> = {
  'my-nli': await randomFiles('sequence_classification', {
    id2label: { 0: 'contradiction', 1: 'neutral', 2: 'entailment' },
  }),
  'my-qa': await randomFiles('question_answering'),
  'my-swag': await randomFiles('multiple_choice'),
  'my-sentences': {
    ...(await randomFiles('model')),
    'modules.json': JSON.stringify(MODULES),
    '1_Pooling/config.json': JSON.stringify({ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }),
  },
};

/** A value's keys and types; of a list, those of its first item. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shape(item)]));
}

test('every program prints what is shown', async () => {
  assert.is(programs.length, shown.length);
  const project = new Project();
  try {
    for (const [name, files] of Object.entries(MODELS)) {
      for (const [file, content] of Object.entries(files)) {
        const path = `${project.folder}/${name}/${file}`;
        mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
        writeFileSync(path, content as string);
      }
    }
    let tasks = 0;
    for (const [i, code] of programs.entries()) {
      const printed = (await project.printed(code, `task-${i}`)).map(([value]) => value);
      assert.equal(shape(printed), shape(shown[i]), code);
      assert.is(printed.length, shown[i]?.length, code);
      tasks++;
      // The page shows, word for word, what the models are told of themselves and what shipped models answer.
      if (/'(fill-mask|(text|token)-classification)'\)/.test(code)) {
        const words = (value: unknown): string[] =>
          JSON.stringify(value).match(/"(label|token_str|sequence|entity|entity_group|word)":"[^"]*"/g) ?? [];
        for (const word of words(shown[i]))
          assert.ok(words(printed).includes(word), `${word}: ${JSON.stringify(printed)}`);
      }
      // Of shipped models the page shows the numbers too, rounded.
      if (!code.includes("'./my-")) {
        const numbers = (value: unknown) =>
          (JSON.stringify(value).match(/[\d.]+(?:e-\d+)?(?=[,\]}])/g) ?? []).map(Number);
        const [got, stated] = [numbers(printed), numbers(shown[i])];
        assert.is(got.length, stated.length, code);
        for (const [j, number] of got.entries())
          assert.ok(Math.abs(number - (stated[j] as number)) < 0.001, `${number} is shown as ${stated[j]}`);
      }
      if (code.includes('extract.embedding')) assert.equal(printed, shown[i]);
    }
    assert.is(tasks, [...page.matchAll(/^## [a-z-]+$/gm)].length);
  } finally {
    project.remove();
  }
});

test.run();
