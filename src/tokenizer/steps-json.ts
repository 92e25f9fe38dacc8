/** Reads the `normalizer` of `tokenizer.json`: its steps, in any order and number. */
import { mismatch } from '../ground/errors.js';
import { Charsmap } from './charsmap.js';
import type { TokenizerConfig, TokenizerOptions } from './config.js';
import { checkPiece } from './definition.js';
import { type JsonObject, listOf, notAlbert, readObject, same } from './json.js';
import {
  lowercase,
  nmt,
  prepend,
  replaceMatches,
  replaceText,
  type Step,
  strip,
  stripAccents,
  unicodeForm,
} from './normalizer.js';

const FILE = 'tokenizer.json';

/** The most steps; transformers 5.0 writes 8. Each looks at the whole text. */
const MAX_STEPS = 64;

const KNOWN =
  'Replace, NFC, NFD, NFKC, NFKD, StripAccents, Lowercase, Precompiled, Nmt, Strip, Prepend, BertNormalizer or Sequence';

/** @throws ERR_TOKENIZER for a step that is unknown or malformed, with its index */
export async function readSteps(value: unknown, config: TokenizerConfig): Promise<Step[]> {
  const list = flatten(value);
  if (list.length > MAX_STEPS) {
    throw mismatch('ERR_TOKENIZER', 'normalizers', `at most ${MAX_STEPS}`, list.length, FILE);
  }
  const steps: Step[] = [];
  for (const [i, step] of asGiven(list, config).entries()) {
    if (step.type !== 'BertNormalizer') steps.push(...readStep(step, `normalizers[${i}]`));
    else {
      const { bertSteps, readBertSettings } = await import('./rare.js');
      steps.push(...bertSteps(readBertSettings(step, config, FILE)));
    }
  }
  return steps;
}

/** A normalizer as a file has it, with what the caller says about case and accents. */
export function normalizerAsGiven(value: unknown, given: TokenizerOptions): JsonObject {
  const { do_lower_case, keep_accents } = given;
  const settings = {
    ...(do_lower_case !== undefined && { lowercase: do_lower_case }),
    ...(keep_accents !== undefined && { strip_accents: !keep_accents }),
  };
  const steps = asGiven(flatten(value), { given });
  const normalizers = steps.map((step) => (step.type === 'BertNormalizer' ? { ...step, ...settings } : step));
  return { type: 'Sequence', normalizers };
}

/** The steps in one list. A Sequence may hold others, no deeper than the list is long. */
function flatten(value: unknown): JsonObject[] {
  const found: JsonObject[] = [];
  const pending = [...listOf(value, 'normalizer', 'normalizers', FILE)].reverse();
  for (let looked = 0; pending.length > 0 && found.length <= MAX_STEPS; looked++) {
    if (looked > 4 * MAX_STEPS) throw mismatch('ERR_TOKENIZER', 'normalizers', `at most ${MAX_STEPS}`, 'more', FILE);
    const step = readObject(pending.pop(), `normalizers[${found.length}]`, FILE);
    if (step.type === 'Sequence') pending.push(...listOf(step, 'normalizers', 'normalizers', FILE).reverse());
    else found.push(step);
  }
  return found;
}

/** The steps with what the caller says about case and accents, where ALBERT's own list has it: after the quotes. */
function asGiven(steps: readonly JsonObject[], { given }: Pick<TokenizerConfig, 'given'>): readonly JsonObject[] {
  const { do_lower_case, keep_accents } = given;
  if (steps.some(({ type }) => type === 'BertNormalizer')) return steps;
  const has = (name: string) => steps.some(({ type }) => type === name);
  const removed = [
    ...(do_lower_case === false ? ['Lowercase'] : []),
    ...(keep_accents === true && has('StripAccents') ? ['NFKD', 'StripAccents'] : []),
  ];
  const added = [
    ...(keep_accents === false && !has('StripAccents') ? [{ type: 'NFKD' }, { type: 'StripAccents' }] : []),
    ...(do_lower_case === true && !has('Lowercase') ? [{ type: 'Lowercase' }] : []),
  ];
  const kept = steps.filter(({ type }) => !removed.includes(type as string));
  const accents = kept.findLastIndex(({ type }) => type === 'StripAccents');
  const afterQuotes = kept.findIndex(({ type }) => type !== 'Replace');
  const at = accents >= 0 ? accents + 1 : afterQuotes >= 0 ? afterQuotes : kept.length;
  return [...kept.slice(0, at), ...added, ...kept.slice(at)];
}

function readStep(step: JsonObject, where: string): Step[] {
  switch (step.type) {
    case 'Replace':
      return [readReplace(step, where)];
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return [unicodeForm(step.type)];
    case 'StripAccents':
      return [stripAccents()];
    case 'Lowercase':
      return [lowercase];
    case 'Precompiled':
      return [new Charsmap(decodeBase64(step.precompiled_charsmap)).byCluster];
    case 'Nmt':
      return nmt();
    case 'Strip':
      return strip(readFlag(step, 'strip_left', where), readFlag(step, 'strip_right', where));
    case 'Prepend':
      return [prepend(readText(step.prepend, `${where}.prepend`))];
    default:
      throw notAlbert(where, KNOWN, step);
  }
}

/** Replaces a string. Of regular expressions, only the one that ALBERT's files have is known. */
function readReplace(step: JsonObject, where: string): Step {
  const { pattern } = step;
  const content = step.content === '' ? '' : readText(step.content, `${where}.content`);
  if (same(pattern, { Regex: ' {2,}' })) return replaceMatches(/ {2,}/g, content);
  const text = typeof pattern === 'object' ? (pattern as JsonObject | null)?.String : undefined;
  if (typeof text !== 'string') throw notAlbert(where, 'Replace of a String, or of the Regex " {2,}"', step);
  return replaceText(readText(text, `${where}.pattern`), content);
}

function readText(value: unknown, title: string): string {
  if (typeof value !== 'string') throw mismatch('ERR_TOKENIZER', title, 'a string', value, FILE);
  checkPiece(value, `${title} of ${FILE}`);
  return value;
}

function readFlag(step: JsonObject, key: string, where: string): boolean {
  const value = step[key];
  if (typeof value !== 'boolean') throw mismatch('ERR_TOKENIZER', `${where}.${key}`, 'true or false', value, FILE);
  return value;
}

function decodeBase64(value: unknown): Uint8Array {
  let binary: string;
  try {
    if (typeof value !== 'string') throw new TypeError('not a string');
    binary = atob(value);
  } catch (cause) {
    throw mismatch('ERR_TOKENIZER', 'precompiled_charsmap', 'base64', value, FILE, { cause });
  }
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
