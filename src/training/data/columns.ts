/** Columns of a CSV and keys of JSON that a task needs and the data lack: what they have, and how it is read. */
import { AlbertError, show } from '../../ground/errors.js';
import { KEYS, type TrainingTask } from './examples.js';
import type { Row } from './rows.js';

/** Names that a message lists, and characters of one, at most. */
const [SHOWN, NAME_SHOWN] = [12, 40];

/** What a column of labels is often called. */
const LABELS = /label|score|class|categor|similar|rating|stars|sentiment|target|value/i;

/** `no column "label" (columns: sentence1, sentence2, score): columns: { label: "score" } reads it`. */
function missing(task: TrainingTask, { fields, written }: Row, key: string, read: readonly string[]): string {
  const names = Object.keys(fields);
  const others = names.filter((name) => !KEYS[task].includes(name) && !read.includes(name));
  const meant = others.find((name) => LABELS.test(name) === (key === 'label' || key === 'tags')) ?? others[0];
  const more = names.length > SHOWN ? ', …' : '';
  const listed = names.slice(0, SHOWN).map((name) => name.slice(0, NAME_SHOWN));
  const there = written ? `column ${show(key)} (columns: ` : `key ${show(key)} (keys: `;
  const advice = meant === undefined ? '' : `: columns: { ${key}: ${show(meant)} } reads it`;
  return `no ${there}${listed.join(', ')}${more})${advice}`;
}

/**
 * Before any row is read.
 *
 * @param read the names that the options give to keys
 * @throws ERR_INPUT for a row without a key that its task needs; of a CSV, at the header
 */
export function checkColumns(task: TrainingTask, rows: readonly Row[], read: readonly string[]): void {
  const needed = KEYS[task].filter(
    (key) => !(key === 'text_pair' || (key === 'label' && task === 'sentence-similarity')),
  );
  for (const row of rows) {
    const key = needed.find((key) => !Object.hasOwn(row.fields, key));
    if (key !== undefined)
      throw new AlbertError('ERR_INPUT', `${row.header ?? row.where}: ${missing(task, row, key, read)}`);
  }
  if (task === 'sentence-similarity') checkPairs(rows, read);
}

/**
 * Without any label, all pairs mean the same; they do so by mistake where the scores have another name.
 *
 * @param read the names that the options give to keys
 * @throws ERR_INPUT for pairs without the key `label` that have other keys than those of a pair
 */
function checkPairs(rows: readonly Row[], read: readonly string[]): void {
  if (rows.some(({ fields }) => Object.hasOwn(fields, 'label'))) return;
  const known = [...KEYS['sentence-similarity'], ...read];
  const odd = rows.find(({ fields }) => Object.keys(fields).some((key) => !known.includes(key)));
  if (odd === undefined) return;
  const where = odd.header ?? odd.where;
  const alike = 'pairs that all mean the same have sentence1 and sentence2 and nothing else';
  throw new AlbertError('ERR_INPUT', `${where}: ${missing('sentence-similarity', odd, 'label', read)}; ${alike}`);
}
