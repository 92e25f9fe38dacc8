/** The labels of a configuration: how many, and their names. */
import { type AlbertError, mismatch } from '../errors.js';

/** Larger than any ALBERT; small enough that no product of two sizes leaves the safe integers. */
const MOST = 1 << 24;
/** Labels have names in memory: this bounds what a small file can ask for. */
const MOST_LABELS = 1 << 16;

interface Labels {
  readonly num_labels: number;
  readonly id2label: Readonly<Record<string, string>>;
}

/** ERR_CONFIG for one key. */
export function wrong(key: string, expected: string, got: unknown): AlbertError {
  return mismatch('ERR_CONFIG', key, expected, got === undefined ? 'nothing' : got, 'config');
}

/** @throws ERR_CONFIG for what is no integer from 1 to `most` */
export function count(raw: Record<string, unknown>, key: string, fallback?: number, most = MOST): number {
  const value = raw[key] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw wrong(key, `an integer from 1 to ${most}`, value);
  }
  return value;
}

/**
 * As transformers: `id2label` counts the labels where it names any, `num_labels` otherwise, two where there is neither.
 * Beyond it: `id2label` may be a list, and `label2id` gives the names where it alone has them.
 *
 * @throws ERR_CONFIG for `id2label` without a name for each id from 0 on, or too many labels
 */
export function parseLabels(raw: Record<string, unknown>): Labels {
  const given = raw.id2label ?? {};
  if (typeof given !== 'object') throw wrong('id2label', 'an object or a list of label names', given);
  const ids = Object.keys(given);
  if (ids.length === 0) return withoutNames(raw);
  const names = [];
  if (ids.length > MOST_LABELS) throw wrong('id2label', `at most ${MOST_LABELS} labels`, ids.length);
  for (let id = 0; id < ids.length; id++) {
    // The ids are strings in JSON, and the names may be numbers, such as stars.
    const name = Object.hasOwn(given, id) ? (given as Record<number, unknown>)[id] : ids;
    if (typeof name !== 'string' && typeof name !== 'number') {
      throw wrong('id2label', `a name for each id from 0 to ${ids.length - 1}`, name);
    }
    names.push(String(name));
  }
  return labels(names);
}

function withoutNames(raw: Record<string, unknown>): Labels {
  const names = namesOf(raw.label2id);
  const num_labels = count(raw, 'num_labels', names?.length ?? 2, MOST_LABELS);
  return labels(names?.length === num_labels ? names : Array.from({ length: num_labels }, (_, id) => `LABEL_${id}`));
}

/** The names in `label2id`, if it has one for each id from 0 on. */
function namesOf(label2id: unknown): string[] | undefined {
  if (typeof label2id !== 'object' || label2id === null) return undefined;
  const names: string[] = [];
  const entries = Object.entries(label2id);
  for (const [name, id] of entries) if (Number.isInteger(id) && id >= 0 && id < entries.length) names[id] = name;
  return entries.length > 0 && Object.keys(names).length === entries.length ? names : undefined;
}

function labels(names: readonly string[]): Labels {
  return { num_labels: names.length, id2label: Object.freeze(Object.fromEntries(names.entries())) };
}
