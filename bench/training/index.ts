/**
 * Training: steps of albert-mini-en's and ALBERT-base's sizes against forwards of the same texts, their memory, and the feed-forward
 * block's forward and backward against jax-js and TensorFlow.js.
 *
 * `--only steps`, `memory` or `block` runs that part and prints it; so do `--model mini,base`, `--texts "32 mixed"` or `8x128`
 * (repeatable), `--threads 1,2`, `--recompute on,off`, `--block TOKENSxHIDDENxINTERMEDIATE`. `--seconds N` for each contest (default:
 * 20), `--json FILE` writes the figures there.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Engine } from '../../src/engine/engine.js';
import { startRuntime } from '../../src/engine/runtime.js';
import { TrainingEngine } from '../../src/engine/training-engine.js';
import { machine, nameMachine } from '../machine.js';
import { RegisterPeak } from '../peak.js';
import { writeReport } from '../report.js';
import {
  type FeedForwardContest,
  feedForwardChart,
  feedForwardContest,
  feedForwardRows,
  feedForwardSentences,
  feedForwardSummary,
} from './feed-forward.js';
import { type MeasuredMemory, measureMemory, memoryRow, memorySentence } from './memory.js';
import { ours } from './ours.js';
import { installTrainingPeers } from './peers/install.js';
import { openJax } from './peers/jax.js';
import { openTfjs } from './peers/tfjs.js';
import { parseBlock } from './problem.js';
import { STEP_NOTE, stepChart, stepRow, stepSentence, stepSummary } from './step-table.js';
import { describeTexts, type MeasuredStep, MODELS, type ModelName, measureSteps, TEXTS } from './steps.js';

const COMMAND = 'npm run bench:train';
const PARTS = ['steps', 'memory', 'block'] as const;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    model: { type: 'string' },
    texts: { type: 'string', multiple: true },
    threads: { type: 'string' },
    recompute: { type: 'string' },
    block: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
});
const parts = choose(values.only, PARTS);
const models = choose(values.model, Object.keys(MODELS) as ModelName[]);
const recompute = choose(values.recompute, ['off', 'on'] as const).map((one) => one === 'on');
const threads = (values.threads ?? '1,2').split(',').map(Number);
const rounds = { warmups: 1, rounds: 3, seconds: Number(values.seconds) };
const { only: _, seconds: __, json, ...choices } = values;
const where = { partial: Object.values({ ...choices, only: values.only }).some((choice) => choice !== undefined) };

console.log(nameMachine(machine()));
const block = parts.includes('block') ? await runBlock() : undefined;
const steps = parts.includes('steps') ? await runSteps() : [];
const memory = parts.includes('memory') ? await runMemory() : [];
if (json !== undefined) {
  const figures = {
    machine: machine(),
    steps: steps.map(stepRow),
    memory: memory.map(memoryRow),
    ...(block && rowsOf(block)),
  };
  writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
}

/** Those of the known that a comma-separated list names; all without one. */
function choose<T extends string>(list: string | undefined, known: readonly T[]): T[] {
  return (
    list?.split(',').map((name) => {
      const found = known.find((one) => one === name);
      if (found === undefined) throw new Error(`expected some of ${known.join(', ')}, got "${name}"`);
      return found;
    }) ?? [...known]
  );
}

async function runBlock(): Promise<FeedForwardContest> {
  const versions = installTrainingPeers();
  const runtime = await startRuntime({ maxMemoryBytes: 2 ** 30, threads: 1 });
  const engine = new Engine(runtime, { dtype: 'float32', inputs: 3072 });
  const peers = [ours(await TrainingEngine.make(engine)), ...(await openJax()), await openTfjs()];
  const peak = new RegisterPeak(engine.build, 'float32');
  const contest = await feedForwardContest(peers, parseBlock(values.block ?? '512x768x3072'), peak, rounds);
  for (const sentence of feedForwardSentences(contest)) console.log(sentence);
  if (json === undefined) {
    writeReport(
      'training-block',
      {
        title: `The feed-forward block, forward and backward, against other libraries, ${engine.build} build`,
        summary: feedForwardSummary(contest),
        note:
          `Against ${versions}. Half the sum of squares of gelu_new(x · W1 + b1) · W2 + b2 - target, and its gradients in x, W1, b1, W2 and ` +
          "b2; one thread. Every answer was compared, with float64 on a small block and with ours on this one: the worst gradient's share of " +
          'energy that is error (NMSE). Medians of processor time by turns; the register peak by processor time in the same run.',
        command: COMMAND,
        ...rowsOf(contest),
        charts: [feedForwardChart(contest)],
        raw: contest,
      },
      where,
    );
  }
  return contest;
}

function rowsOf(contest: FeedForwardContest) {
  return { rows: feedForwardRows(contest) };
}

async function runSteps(): Promise<MeasuredStep[]> {
  const measured: MeasuredStep[] = [];
  const texts = values.texts ?? TEXTS;
  for (const model of models) {
    for (const name of texts) {
      const results = await measureSteps(model, name, threads, recompute, rounds);
      measured.push(...results);
      for (const result of results) console.log(stepSentence(result));
    }
  }
  if (json === undefined) {
    writeReport(
      'training-steps',
      {
        title: 'Training steps of albert-mini-en and ALBERT-base',
        summary: stepSummary(measured),
        note: `${texts.map(describeTexts).join('; ')}. ${STEP_NOTE}`,
        command: COMMAND,
        rows: measured.map(stepRow),
        charts: [stepChart(measured)],
        raw: measured,
      },
      where,
    );
  }
  return measured;
}

async function runMemory(): Promise<MeasuredMemory[]> {
  const measured: MeasuredMemory[] = [];
  for (const model of models) {
    measured.push(await measureMemory(model, 32, 128));
    console.log(memorySentence(measured.at(-1) as MeasuredMemory));
  }
  if (json === undefined) {
    writeReport(
      'training-memory',
      {
        title: 'Memory of a training with default settings',
        summary: `${measured.map(memorySentence).join('; ')}.`,
        note: 'Texts x tokens. The peak of resident memory of a new process that loads the model and takes two steps, above that of an empty Node.',
        command: COMMAND,
        rows: measured.map(memoryRow),
        charts: [],
        raw: measured,
      },
      where,
    );
  }
  return measured;
}
