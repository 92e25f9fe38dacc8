/** Checkpoints of a run: directories named by their step, each whole or not there. */
import { directoryUrl, listDirectories, removeDirectory, writeDirectory, writeFiles } from '#platform';
import { AlbertError, mismatch } from '../../ground/errors.js';
import type { TrainerState } from './state.js';

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

/** Removes what a killed process has left of checkpoints that it was writing or removing. */
export async function sweepCheckpoints(output_dir: string): Promise<void> {
  for (const name of await listDirectories(output_dir)) {
    if (/^checkpoint-\d+\..*\.incomplete$/.test(name))
      await removeDirectory(`${output_dir.replace(/\/+$/, '')}/${name}`);
  }
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
 * The checkpoint of the best evaluation before a training resumed: beside the checkpoint that it resumes from, or where it was written.
 *
 * @param directory the checkpoint that it resumes from, with `state`
 * @throws ERR_SOURCE if there is none
 */
export async function bestCheckpoint(state: TrainerState, directory: string): Promise<string> {
  const { best_global_step: step, best_model_checkpoint: recorded } = state;
  if (step === state.global_step) return directory;
  const name = /checkpoint-\d+[\\/]*$/;
  const beside = name.test(directory) ? directory.replace(name, `checkpoint-${step}`) : null;
  for (const path of [beside, recorded]) {
    if (path !== null && (await directoryUrl(path)) !== undefined) return path;
  }
  throw new AlbertError(
    'ERR_SOURCE',
    `there is no ${recorded ?? `checkpoint-${step}`}, which has the best model before ${directory}: put it there, or resume without load_best_model_at_end`,
  );
}

/**
 * Writes a checkpoint, and removes those beyond the limit, the oldest first.
 *
 * @param kept a step whose checkpoint is not removed
 * @throws ERR_SOURCE; the checkpoints that were there are there still
 */
export async function writeCheckpoint(
  output_dir: string,
  step: number,
  files: ReadonlyMap<string, Uint8Array>,
  limit: number | undefined,
  kept: number | null,
): Promise<string> {
  const path = checkpointPath(output_dir, step);
  await writeDirectory(path, (directory) => writeFiles(directory, files, []));
  const steps = await stepsIn(output_dir);
  const removable = steps.filter((other) => other !== step && other !== kept);
  const surplus = limit === undefined ? 0 : Math.max(0, steps.length - limit);
  for (const other of removable.slice(0, surplus)) await removeDirectory(checkpointPath(output_dir, other));
  return path;
}
