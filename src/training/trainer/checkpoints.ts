/** Checkpoints of a run: directories named by their step, each whole or not there. */
import { listDirectories, removeDirectory, writeDirectory, writeFiles } from '#platform';
import { AlbertError, mismatch } from '../../ground/errors.js';

/** The path of a step's checkpoint. */
export function checkpointPath(output_dir: string, step: number): string {
  return `${output_dir.replace(/\/+$/, '')}/checkpoint-${step}`;
}

/** The steps that have a checkpoint, increasing. */
async function stepsIn(output_dir: string): Promise<number[]> {
  const names = await listDirectories(output_dir);
  const steps = names.flatMap((name) =>
    /^checkpoint-\d+$/.test(name) ? Number(name.slice('checkpoint-'.length)) : [],
  );
  return steps.sort((a, b) => a - b);
}

/** The last checkpoint. @throws ERR_SOURCE if there is none */
export async function lastCheckpoint(output_dir: string | undefined): Promise<string> {
  if (output_dir === undefined)
    throw mismatch('ERR_INPUT', 'output_dir', 'the directory of the checkpoints', output_dir);
  const step = (await stepsIn(output_dir)).at(-1);
  if (step === undefined) throw new AlbertError('ERR_SOURCE', `there is no checkpoint in ${output_dir} to resume from`);
  return checkpointPath(output_dir, step);
}

/**
 * Writes a checkpoint, and removes those beyond the limit, the oldest first.
 *
 * @param files the model's and the trainer's
 * @param writeMore writes what else belongs to it
 * @param kept the steps that are not removed
 * @throws ERR_SOURCE; the checkpoints that were there are there still
 */
export async function writeCheckpoint(
  output_dir: string,
  step: number,
  files: ReadonlyMap<string, Uint8Array>,
  writeMore: (directory: string) => Promise<void>,
  limit: number | undefined,
  kept: readonly (number | null)[],
): Promise<string> {
  const path = checkpointPath(output_dir, step);
  await writeDirectory(path, async (directory) => {
    await writeFiles(directory, files, []);
    await writeMore(directory);
  });
  const steps = await stepsIn(output_dir);
  const removable = steps.filter((other) => other !== step && !kept.includes(other));
  const surplus = limit === undefined ? 0 : Math.max(0, steps.length - limit);
  for (const other of removable.slice(0, surplus)) await removeDirectory(checkpointPath(output_dir, other));
  return path;
}
