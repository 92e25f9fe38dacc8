/**
 * What a worker thread does with a job. A forward holds its thread until it is done; the thread that renews the job's lock is another,
 * so that no job is taken for stalled because its model is busy.
 */
import { type PipelineOptions, type Pipelines, pipeline } from 'albert-wasm';
import { type LineTasks, processShard } from 'albert-wasm/shards';
import type { SandboxedJob } from 'bullmq';
import { type Counts, type PartJob, SUCCESS, type SuccessJob } from './jobs.js';
import { countPart, writePart, writeSuccess } from './output.js';

/** Milliseconds between two reports of progress. */
const REPORT_MS = 1000;

type Pipe = Pipelines[keyof LineTasks];

/** The model of the last job: as a rule it is the next one's too. */
let loaded: { key: string; pipe: Promise<Pipe> } | undefined;

export default async function process(job: SandboxedJob<PartJob | SuccessJob>): Promise<object> {
  if (job.name === SUCCESS) {
    const parts = Object.values(await job.getChildrenValues<Counts>());
    const sum = (key: keyof Counts) => parts.reduce((total, counts) => total + counts[key], 0);
    return writeSuccess(job.data, { rows: sum('rows'), errors: sum('errors') });
  }
  const part = job.data as PartJob;
  const done = await countPart(part);
  if (done !== undefined) return done;
  const { task, model, options = {}, start } = part;
  const pipe = await load(task, model, options.load);
  let reported = Date.now();
  return writePart(part, processShard(task, pipe as never, part, options.call as never), (counts, offset) => {
    if (Date.now() - reported < REPORT_MS) return;
    reported = Date.now();
    // It is news only: the job does not wait for it, and its loss is none.
    void Promise.resolve(job.updateProgress({ ...counts, bytes: offset - start })).catch(() => {});
  });
}

async function load(task: keyof LineTasks, model: string | undefined, options: PipelineOptions = {}): Promise<Pipe> {
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
