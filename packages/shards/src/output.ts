/** Files of rows in the output directory: a name is given to what is whole, and to nothing else. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ShardRow } from 'albert-wasm/shards';
import type { Counts, PartJob, SuccessJob } from './jobs.js';

const INCOMPLETE = '.incomplete';

/** Rows are written in pieces of about so many characters. */
const PIECE = 1 << 16;

/** What `_SUCCESS` says. */
export interface Success extends Counts {
  readonly run: string;
  readonly parts: number;
}

export function partPath({ output, run, part }: Pick<PartJob, 'output' | 'run' | 'part'>): string {
  return join(output, `part-${String(part).padStart(5, '0')}-${run.slice(0, 8)}.jsonl`);
}

/** Writes rows under a name of their own, then renames the file. @param progress hears of every piece */
export async function writePart(
  job: PartJob,
  rows: AsyncIterable<ShardRow>,
  progress: (counts: Counts, offset: number) => void,
): Promise<Counts> {
  const path = partPath(job);
  // A name for each attempt: one that was taken for dead may still be writing.
  const temporary = `${path}.${randomUUID()}${INCOMPLETE}`;
  const counts = { rows: 0, errors: 0 };
  const file = await open(temporary, 'wx');
  try {
    let piece = '';
    for await (const { row, failed, offset } of rows) {
      piece += `${JSON.stringify(row)}\n`;
      counts.rows++;
      if (failed) counts.errors++;
      if (piece.length < PIECE) continue;
      await file.writeFile(piece);
      piece = '';
      progress(counts, offset);
    }
    await file.writeFile(piece);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
  return counts;
}

/** The counts of a part that an earlier attempt has finished; `undefined` where none has. */
export async function countPart(job: Pick<PartJob, 'output' | 'run' | 'part'>): Promise<Counts | undefined> {
  const path = partPath(job);
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  const counts = { rows: 0, errors: 0 };
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    counts.rows++;
    // Keys of the caller may stand in front of it; none of them has this name.
    if ('error' in JSON.parse(line)) counts.errors++;
  }
  return counts;
}

/** Closes a run: removes what attempts that died have left, and writes `_SUCCESS` with the counts. @throws for a part that is not there */
export async function writeSuccess({ output, run, parts }: SuccessJob, counts: Counts): Promise<Success> {
  const names = await readdir(output);
  for (let part = 0; part < parts; part++) {
    const path = partPath({ output, run, part });
    if (!names.includes(path.slice(output.length).replace(/^[\\/]/, ''))) throw new Error(`${path} is not there`);
  }
  const left = names.filter((name) => name.includes(`-${run.slice(0, 8)}.jsonl.`) && name.endsWith(INCOMPLETE));
  for (const name of left) await rm(join(output, name), { force: true });
  const success = { run, parts, ...counts };
  const path = join(output, '_SUCCESS');
  await writeFile(`${path}.${run}${INCOMPLETE}`, `${JSON.stringify(success)}\n`);
  await rename(`${path}.${run}${INCOMPLETE}`, path);
  return success;
}

/** What `_SUCCESS` of a directory says; `undefined` where there is none. */
export async function readSuccess(output: string): Promise<Success | undefined> {
  const text = await readFile(join(output, '_SUCCESS'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}
