/** Does a job: checks it, then writes the rows of a part or closes a run. */
import { type PipelineOptions, type Pipelines, pipeline } from 'albert-wasm';
import { type LineTasks, processShard } from 'albert-wasm/shards';
import { checkCounts, checkPart, checkSuccess, unexpected } from './check.js';
import { PART, SUCCESS } from './jobs.js';
import { checkClaim, countPart, writePart, writeSuccess } from './output.js';
import { allowedModel, type Roots, readable, writable } from './roots.js';

/** Milliseconds between two reports of progress. */
const REPORT_MS = 1000;

type Pipe = Pipelines[keyof LineTasks];

/** The pipeline of the last job, which the next job usually needs again. */
let loaded: { key: string; pipe: Promise<Pipe> } | undefined;

/** The parts of BullMQ's job that are used. */
export interface QueuedWork {
  readonly name: string;
  readonly data: unknown;
  updateProgress(progress: object): unknown;
  getChildrenValues(): Promise<Record<string, unknown>>;
}

/** @throws ERR_INPUT for a job that `enqueue` does not write, and for paths outside the roots; ERR_SOURCE; what the model throws */
export async function doJob(job: QueuedWork, roots: Roots): Promise<object> {
  if (job.name === SUCCESS) return succeed(job, roots);
  if (job.name !== PART) throw unexpected('job', `${PART} or ${SUCCESS}`, job.name);
  const given = checkPart(job.data);
  const part = { ...given, output: await writable(given.output, roots) };
  await checkClaim(part);
  const done = await countPart(part);
  if (done !== undefined) return done;
  const shard = { uri: await readable(part.uri, roots), start: part.start, end: part.end };
  const { load, call } = part.options ?? {};
  const pipe = await open(part.task, await allowedModel(part, roots), load);
  let reported = Date.now();
  return writePart(part, processShard(part.task, pipe as never, shard, call as never), (counts, offset) => {
    if (Date.now() - reported < REPORT_MS) return;
    reported = Date.now();
    // Only information: the job does not wait for it, and losing it does no harm.
    void Promise.resolve(job.updateProgress({ ...counts, bytes: offset - part.start })).catch(() => {});
  });
}

async function succeed(job: QueuedWork, roots: Roots): Promise<object> {
  const given = checkSuccess(job.data);
  const run = { ...given, output: await writable(given.output, roots) };
  await checkClaim(run);
  const parts = Object.values(await job.getChildrenValues()).map(checkCounts);
  const sum = (key: 'rows' | 'errors') => parts.reduce((total, counts) => total + counts[key], 0);
  return writeSuccess(run, { rows: sum('rows'), errors: sum('errors') });
}

async function open(task: keyof LineTasks, model: string | undefined, options: PipelineOptions = {}): Promise<Pipe> {
  const key = JSON.stringify([task, model, options]);
  if (loaded?.key !== key) {
    const before = loaded;
    loaded = undefined;
    await before?.pipe.then((pipe) => pipe.dispose()).catch(() => {});
    loaded = { key, pipe: pipeline(task, model, options) };
  }
  try {
    return await loaded.pipe;
  } catch (error) {
    loaded = undefined;
    throw error;
  }
}
