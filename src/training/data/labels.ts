/** The labels of a dataset: what kind they are, their names in the order of their ids, and the ids of names. */
import { AlbertError, mismatch, show } from '../../ground/errors.js';
import type { Label } from './fields.js';

/** How labels of texts are learned; transformers' words. */
export type ProblemType = 'regression' | 'single_label_classification' | 'multi_label_classification';

/**
 * How labels are learned. Lists: several classes may apply to a text. Numbers, one of them with a fraction: values. Everything else,
 * whole numbers included: one class per text.
 *
 * @param places of the labels, for messages
 * @throws ERR_INPUT if some are lists and some are not, and for a label that is no number among numbers with a fraction
 */
export function problemOf(labels: readonly (Label | readonly Label[])[], places: readonly string[] = []): ProblemType {
  const isList = Array.isArray(labels[0]);
  const odd = labels.findIndex((label) => Array.isArray(label) !== isList);
  if (odd !== -1) {
    throw mismatch('ERR_INPUT', 'label', 'a list in each example or in none', labels[odd], places[odd]);
  }
  if (isList) return 'multi_label_classification';
  const fraction = labels.some((label) => hasFraction(label as Label));
  const other = labels.findIndex((label) => !isNumber(label as Label));
  if (fraction && other !== -1) throw noNumber(labels[other] as Label, places[other]);
  return fraction ? 'regression' : 'single_label_classification';
}

/** As many languages write a number with a fraction. */
const DECIMAL_COMMA = /^[-+]?\d+,\d+$/;

function hasFraction(label: Label): boolean {
  if (!isNumber(label)) return DECIMAL_COMMA.test(label as string);
  return !Number.isInteger(Number(label)) || /\./.test(String(label));
}

function noNumber(label: Label, place?: string): AlbertError {
  const where = place === undefined ? '' : `${place}: `;
  const expected = DECIMAL_COMMA.test(String(label)) ? 'a number with a point' : 'a number like the others';
  const advice = 'problem_type single_label_classification makes them classes';
  return new AlbertError('ERR_INPUT', `${where}"label" expected ${expected}, got ${show(label)}; ${advice}`);
}

/** A number, or its decimal notation. */
export function isNumber(label: Label): boolean {
  return typeof label === 'number' || /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(label);
}

/** A number that does not become infinite in float32, which models compute in. */
export function isFloat(label: Label): boolean {
  return isNumber(label) && Number.isFinite(Math.fround(Number(label)));
}

/** The names of classes in the order of their ids: by value if all are numbers, otherwise by their characters. */
export function classNames(labels: Iterable<Label>): string[] {
  const names = [...new Set(Array.from(labels, String))];
  const numeric = names.every(isNumber);
  return names.sort(numeric ? (a, b) => Number(a) - Number(b) : byCharacters);
}

/** The names of tags in the order of their ids: O first, then each entity's B- before its I- and others. */
export function tagNames(tags: Iterable<string>): string[] {
  const key = (tag: string) => (tag === 'O' ? '' : `${tag.replace(/^[A-Z]-/, '')}\0${tag}`);
  return [...new Set(tags)].sort((a, b) => byCharacters(key(a), key(b)));
}

function byCharacters(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @throws ERR_INPUT if the label of two sentences is beyond the one that means the same */
export function checkScore(label: number | undefined, max_score: number): void {
  if (label === undefined || Math.abs(label) <= max_score) return;
  throw mismatch('ERR_INPUT', 'label', `a number from -${max_score} to ${max_score}, the max_score`, label);
}

/** The ids of labels. */
export class LabelIds {
  readonly names: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;

  /** @param names in the order of their ids */
  constructor(names: readonly string[]) {
    this.names = names;
    // Spaces around a label of an example are gone.
    const trimmed = names.map((name, id) => [name.trim(), id] as const);
    this.#ids = new Map([...trimmed, ...names.map((name, id) => [name, id] as const)]);
  }

  /**
   * The id of a label by its name; a number that is no name is an id itself.
   *
   * @throws ERR_INPUT for an unknown label
   */
  of(label: Label, key = 'label'): number {
    const id = this.#ids.get(String(label));
    if (id !== undefined) return id;
    // If names are numbers, an unknown number is a mistake and no id.
    const numbered = this.names.some(isNumber);
    if (
      !numbered &&
      isNumber(label) &&
      Number.isInteger(Number(label)) &&
      Number(label) >= 0 &&
      Number(label) < this.names.length
    ) {
      return Number(label);
    }
    throw mismatch('ERR_INPUT', key, `one of the model's labels (${shown(this.names)})`, label);
  }
}

/** Labels that a message lists, at most. */
const SHOWN = 12;

function shown(names: readonly string[]): string {
  const more = names.length > SHOWN ? `, and ${names.length - SHOWN} more` : '';
  return names.slice(0, SHOWN).join(', ') + more;
}
