/** The labels of a configuration: how many, and their names. */
import { count, wrong } from './config-keys.js';

/** Labels have names in memory: this bounds what a small file can ask for. */
const MAX_LABELS = 1 << 16;

interface Labels {
  readonly num_labels: number;
  readonly id2label: Readonly<Record<string, string>>;
}

/**
 * As transformers: `id2label` counts the labels where it names any, `num_labels` otherwise, two where there is neither.
 * Beyond it: `id2label` may be a list, and `label2id` gives the names where it alone has one for each id.
 *
 * @throws ERR_CONFIG for `id2label` without a name for each id from 0 on, or too many labels
 */
export function parseLabels(raw: Record<string, unknown>): Labels {
  const given = raw.id2label ?? {};
  if (typeof given !== 'object') throw wrong('id2label', 'label names', given);
  const ids = Object.keys(given);
  if (ids.length > MAX_LABELS) throw wrong('id2label', `at most ${MAX_LABELS} labels`, ids.length);
  // Names may be numbers, such as stars.
  let names = ids.map((_, id) => {
    const name = (given as Record<number, unknown>)[id];
    if (typeof name === 'string' || typeof name === 'number') return String(name);
    throw wrong('id2label', `a name for each id from 0 to ${ids.length - 1}`, name ?? ids);
  });
  if (names.length === 0) {
    const others = Object.entries(raw.label2id ?? {}).sort(([, a], [, b]) => a - b);
    if (others.every(([, id], i) => id === i)) names = others.map(([name]) => name);
    const num_labels = count(raw, 'num_labels', names.length || 2, MAX_LABELS);
    if (names.length !== num_labels) names = Array.from({ length: num_labels }, (_, id) => `LABEL_${id}`);
  }
  return { num_labels: names.length, id2label: Object.freeze(Object.fromEntries(names.entries())) };
}
