/** SST-2: the first half of its development set, which is not ours to ship. */
import { existsSync, readFileSync } from 'node:fs';

const FILE = new URL('../../shared/data/sst2_dev_first_half.jsonl', import.meta.url);

export interface Sentence {
  readonly text: string;
  /** 1: positive. */
  readonly label: number;
}

/** Why the sentences are not here; `undefined` if they are. */
export const sst2Missing = existsSync(FILE) ? undefined : 'there is no ../shared/data beside the project';

/** @param limit the most sentences; default: all */
export function sst2Sentences(limit?: number): Sentence[] {
  if (sst2Missing !== undefined) throw new Error(sst2Missing);
  const lines = readFileSync(FILE, 'utf8').trim().split('\n');
  return lines.slice(0, limit).map((line) => JSON.parse(line));
}
