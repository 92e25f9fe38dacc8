/** How a task's inputs run: as jobs of sequences that the model runs together, with answers decoded from its outputs. */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import { Tensor } from '../ground/tensor.js';
import type { AlbertInputs } from '../model/inputs.js';
import { checkCount } from './checks.js';

/** Options of one call. */
export interface CallOptions {
  /** Stops the call before the model's next layer. */
  readonly signal?: AbortSignal;
  /** The most sequences that run at once. A run of several has at most 512 tokens. Default: 32. */
  readonly batch_size?: number;
  /** Called after each run with the number of inputs that have an answer. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

export const CALL_OPTIONS: OptionNames<CallOptions> = { signal: true, batch_size: true, onProgress: true };

/** What the model runs: (seq), or (choices, seq). */
export interface Sequence extends AlbertInputs {
  readonly input_ids: number[] | number[][];
}

/** One or more. */
export type Some<T> = readonly [T, ...T[]];

/** One input's work for the model. */
export interface Job<Fields, Result, S extends Sequence = Sequence> {
  /** They may end up in different runs. */
  readonly sequences: Some<S>;
  /** The result, from the model's output of each sequence. */
  decode(outputs: Some<Fields>): Result;
}

/** The work of an input of many texts, such as choices: one job per text, encoded when its turn comes. */
export interface Jobs<Fields, Value, Result, S extends Sequence = Sequence> {
  /** At least one. */
  jobs(): Iterable<Job<Fields, Value, S>>;
  /** The result, from what the jobs gave, in order. */
  combine(values: Some<Value>): Result;
}

export type Work<Fields, Result, S extends Sequence> = Job<Fields, Result, S> | Jobs<Fields, unknown, Result, S>;

/** Runs sequences through a model. */
export type Forward<Fields, S> = (sequences: readonly S[], options: { signal?: AbortSignal }) => Promise<Fields[]>;

const BATCH_SIZE = 32;

/**
 * The most tokens of a run of several sequences. Texts of 5 to 24 tokens run 1.38 times as fast in runs of 256, 512 or 1,024
 * tokens as alone, texts of 5 to 128 tokens 1.01 to 1.07 times; 512 of ALBERT-base take 16 MB and keep a page waiting 2.6 s.
 */
export const RUN_TOKENS = 512;

/** The jobs of one input that are under way. */
interface Input<Result> {
  readonly values: unknown[];
  combine(values: Some<unknown>): Result;
  /** Jobs that wait for outputs. */
  open: number;
  /** Whether all of its jobs have begun. */
  complete: boolean;
}

/**
 * Fills runs with the sequences in order, decodes each job when its last output is there, and each input when its last job is.
 *
 * @throws ERR_INPUT for unknown or invalid options, ERR_PARAMETER for outputs that are not finite, what encoding and `forward` throw
 */
export async function runJobs<Fields extends object, Result, S extends Sequence>(
  works: Iterable<Work<Fields, Result, S>>,
  forward: Forward<Fields, S>,
  { signal, batch_size = BATCH_SIZE, onProgress }: CallOptions,
  total: number,
): Promise<Result[]> {
  checkCount('batch_size', batch_size);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw mismatch('ERR_INPUT', 'onProgress', 'a function', onProgress);
  }
  const results: Result[] = [];
  let run: { sequence: S; outputs: Fields[]; job: Job<Fields, unknown, S>; input: Input<Result> }[] = [];
  let tokens = 0;
  const flush = async () => {
    const fields = await forward(
      run.map(({ sequence }) => sequence),
      { signal },
    );
    for (const [i, { outputs, job, input }] of run.entries()) {
      outputs.push(checkFinite(fields[i] as Fields));
      if (outputs.length < job.sequences.length) continue;
      input.values.push(job.decode(outputs as unknown as Some<Fields>));
      input.open--;
      if (input.complete && input.open === 0) results.push(input.combine(input.values as unknown as Some<unknown>));
    }
    [run, tokens] = [[], 0];
    onProgress?.({ done: results.length, total });
  };
  for (const work of works) {
    const several = 'jobs' in work;
    const combine = several ? work.combine : ([value]: Some<unknown>) => value as Result;
    const input: Input<Result> = { values: [], combine, open: 0, complete: false };
    for (const job of several ? work.jobs() : [work]) {
      const outputs: Fields[] = [];
      input.open++;
      for (const sequence of job.sequences) {
        const length = sequence.input_ids.flat().length;
        if (run.length === batch_size || (run.length > 0 && tokens + length > RUN_TOKENS)) await flush();
        run.push({ sequence, outputs, job, input });
        tokens += length;
      }
    }
    // Its last sequence is in the run that is being filled: a run ends only when another sequence follows.
    input.complete = true;
  }
  if (run.length > 0) await flush();
  return results;
}

/**
 * Weights are finite, but what is computed from them may exceed float32's range: the answer would be NaN, or a random label.
 *
 * @throws ERR_PARAMETER naming the output and the index
 */
export function checkFinite<Fields extends object>(fields: Fields): Fields {
  for (const [name, field] of Object.entries(fields)) {
    if (!(field instanceof Tensor)) continue;
    const { data } = field;
    for (let i = 0; i < data.length; i++) {
      const value = Number(data[i]);
      if (Number.isFinite(value)) continue;
      const where = `[${i}]: what these weights compute passes the range of float32`;
      throw mismatch('ERR_PARAMETER', name, 'finite numbers', value, where);
    }
  }
  return fields;
}
