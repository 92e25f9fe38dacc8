/** The page for users of transformers.js: each program of ours runs as it stands there, and prints what the page says. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeOurs } from '../transformers/models.js';
import { Project, snippetsOf } from './snippets.js';

const test = suite('docs/migrating-from-transformers-js.md');

const page = readFileSync(new URL('../../docs/migrating-from-transformers-js.md', import.meta.url), 'utf8');
const ours = snippetsOf(page).filter((code) => code.includes("from 'albert-wasm'"));

test('every program of ours prints what its comments say', async () => {
  const project = new Project();
  try {
    await writeOurs(project.folder);
    const printed: string[] = [];
    for (const code of ours) printed.push(JSON.stringify(await project.printed(code, 'ours')));
    const SCORE = '"score":0\\.\\d+';
    const expected = [
      String.raw`^\[\[100\]\]$`,
      String.raw`^\[\[\[{"label":"POSITIVE","score":0\.998.*"NEGATIVE".*\[\[{"label":"POSITIVE",${SCORE}},{"label":"NEGATIVE",${SCORE}}\]\]\]$`,
      String.raw`^\[\[\[.*"paris".*"france"`,
      String.raw`^\[\[\[1,512\],\[.*\]\],\[\[2,512\],\[.*\]\]\]$`,
      String.raw`^\[\["[^"]+",(0\.\d+)\],\[\[\1,0\.\d+,0\.\d+\]\]\]$`,
      String.raw`^\[\[\[{"entity":"[BI]-.*\]\],\[\[{"entity_group":"[A-Z]+","word":`,
    ];
    assert.is(printed.length, expected.length);
    for (const [i, text] of printed.entries()) assert.match(text, new RegExp(expected[i] as string));
  } finally {
    project.remove();
  }
});

test('one program of transformers.js beside each of ours', () => {
  const all = snippetsOf(page);
  assert.is(all.length, 2 * ours.length);
  for (let i = 0; i < all.length; i += 2) {
    assert.ok(all[i]?.includes("from '@huggingface/transformers'"), all[i]);
    assert.ok(all[i + 1]?.includes("from 'albert-wasm'"), all[i + 1]);
  }
});

test.run();
