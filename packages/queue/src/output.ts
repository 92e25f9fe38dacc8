/** Files of rows in the output directory: a file gets its name only when it is complete. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AlbertError } from 'albert-wasm';
import type { ShardRow } from 'albert-wasm/shards';
import { checkCounts } from './check.js';
import type { Counts, PartJob, SuccessJob } from './jobs.js';

const INCOMPLETE = '.incomplete';

/** The file with the id of the run that owns the directory. */
const CLAIM = '_RUN';
const SUCCESS_FILE = '_SUCCESS';

/** Rows are written in pieces of about this many characters. */
const PIECE = 1 << 16;

const NEWLINE = 0x0a;

/** The content of `_SUCCESS`. */
export interface Success extends Counts {
  readonly run: string;
  readonly parts: number;
}

type Part = Pick<PartJob, 'output' | 'run' | 'part'>;

function partName({ run, part }: Pick<Part, 'run' | 'part'>): string {
  return `part-${String(part).padStart(5, '0')}-${run.slice(0, 8)}.jsonl`;
}

/**
 * Claims an output directory for a run, before any job of the run is in the queue. If two runs want it, the first one gets it.
 *
 * @throws ERR_SOURCE if another run has claimed the directory or written to it
 */
export async function claim(output: string, run: string): Promise<void> {
  const names = await readdir(output);
  const owner = await ownerOf(output);
  const foreign = names.some((name) => /^part-\d{5,}-/.test(name) && !name.includes(`-${run.slice(0, 8)}.jsonl`));
  const finished = await readSuccess(output);
  if ((owner ?? run) !== run || foreign || (finished !== undefined && finished.run !== run)) throw taken(output);
  if (owner === run) return;
  // Written elsewhere and linked, so that a half-written file is never read.
  const temporary = join(output, `${CLAIM}.${randomUUID()}${INCOMPLETE}`);
  try {
    await writeFile(temporary, `${run}\n`, { flag: 'wx' });
    await link(temporary, join(output, CLAIM)).catch((error) => {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
      // A file system without links.
      return writeFile(join(output, CLAIM), `${run}\n`, { flag: 'wx' });
    });
  } catch (cause) {
    // Another call was faster, perhaps for the same run.
    if ((await ownerOf(output)) === run) return;
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw taken(output);
    throw new AlbertError('ERR_SOURCE', `cannot write to ${output}: ${(cause as Error).message}`, { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** @throws ERR_SOURCE if `enqueue` has not claimed the directory for this run: a job may say anything */
export async function checkClaim({ output, run }: Pick<PartJob, 'output' | 'run'>): Promise<void> {
  if ((await ownerOf(output)) !== run) throw taken(output);
}

function taken(output: string): AlbertError {
  const expected = '"output" expected an empty directory, or one of the same run';
  return new AlbertError('ERR_SOURCE', `${expected}, got one with the rows of another run at ${output}`);
}

async function ownerOf(output: string): Promise<string | undefined> {
  return (await readFile(join(output, CLAIM), 'utf8').catch(() => undefined))?.trim();
}

/** Writes rows to a temporary file, then renames it. @param progress called after each piece */
export async function writePart(
  job: Part,
  rows: AsyncIterable<ShardRow>,
  progress: (counts: Counts, offset: number) => void,
): Promise<Counts> {
  const path = join(job.output, partName(job));
  // One name per attempt: a worker that counts as dead may still be writing.
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

/**
 * The counts of a part that an earlier attempt has finished; `undefined` if no attempt has, and for a part that was cut.
 *
 * Its lines end with the byte of a newline alone: text has other separators of lines in it.
 */
export async function countPart(job: Part): Promise<Counts | undefined> {
  const path = join(job.output, partName(job));
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  const counts = { rows: 0, errors: 0 };
  /** The bytes of the line that is being read. */
  let line: Buffer[] = [];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.length; ) {
      const end = chunk.indexOf(NEWLINE, from);
      line.push(chunk.subarray(from, end === -1 ? chunk.length : end));
      if (end === -1) break;
      counts.rows++;
      // Keys of the caller may stand in front of it; no such key has this name.
      if ('error' in JSON.parse(Buffer.concat(line).toString('utf8'))) counts.errors++;
      line = [];
      from = end + 1;
    }
  }
  return line.length === 0 ? counts : undefined;
}

/** Closes a run: removes the temporary files of dead attempts and writes `_SUCCESS` with the counts. @throws if a part is missing */
export async function writeSuccess({ output, run, parts }: SuccessJob, counts: Counts): Promise<Success> {
  const names = new Set(await readdir(output));
  const missing = missingPart(names, { run, parts });
  if (missing !== undefined) throw new AlbertError('ERR_SOURCE', `${join(output, missing)} is not there`);
  const left = [...names].filter((name) => name.includes(`-${run.slice(0, 8)}.jsonl.`) && name.endsWith(INCOMPLETE));
  for (const name of left) await rm(join(output, name), { force: true });
  const success = { run, parts, ...counts };
  const path = join(output, SUCCESS_FILE);
  const temporary = `${path}.${randomUUID()}${INCOMPLETE}`;
  try {
    // Synced to the disk before it gets its name: a power failure must not leave half of it.
    const file = await open(temporary, 'wx');
    await file
      .writeFile(`${JSON.stringify(success)}\n`)
      .then(() => file.sync())
      .finally(() => file.close());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return success;
}

/** Whether a directory contains all files of a run. */
export async function isWhole(output: string, run: Pick<Success, 'run' | 'parts'>): Promise<boolean> {
  const success = await readSuccess(output);
  return success?.run === run.run && missingPart(new Set(await readdir(output)), run) === undefined;
}

function missingPart(names: ReadonlySet<string>, { run, parts }: Pick<Success, 'run' | 'parts'>): string | undefined {
  for (let part = 0; part < parts; part++) {
    const name = partName({ run, part });
    if (!names.has(name)) return name;
  }
  return undefined;
}

/** The content of `_SUCCESS` in a directory; `undefined` if the file is missing or half-written: the same run writes it again. */
async function readSuccess(output: string): Promise<Success | undefined> {
  try {
    const { run, parts, ...counts } = JSON.parse(await readFile(join(output, SUCCESS_FILE), 'utf8'));
    return typeof run === 'string' ? { run, parts, ...checkCounts(counts) } : undefined;
  } catch {
    return undefined;
  }
}
