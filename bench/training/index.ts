/**
 * Training: steps of albert-mini-en's and ALBERT-base's sizes against forwards of the same texts, their memory, and the feed-forward
 * block's forward and backward against jax-js and TensorFlow.js; the products of a backward pass against the register peak.
 *
 * `--only block,products,steps,memory` runs those parts, each of which is a report. `--model mini,base`, `--texts "32 mixed"` or `8x128`
 * (repeatable), `--threads 1,2`, `--recompute on,off`, `--block TOKENSxHIDDENxINTERMEDIATE`, `--tokens N`, those of the products,
 * and `--seconds N` for each contest (default: 20) run those and print them. `--wide` sets V8's flag for 256-bit vectors, for all
 * contestants; its reports are apart. `--json FILE` writes the figures there.
 */
import { writeFileSync } from 'node:fs';
import { Engine } from '../../src/engine/engine.js';
import { startRuntime } from '../../src/engine/runtime.js';
import { TrainingEngine } from '../../src/engine/training-engine.js';
import { readArguments } from '../arguments.js';
import { chooseSome, parseCount, parseSeconds, parseThreads } from '../choices.js';
import type { Report, Row } from '../format.js';
import { machineOf, nameMachine } from '../machine.js';
import { RegisterPeak } from '../peak.js';
import { writeReport } from '../report.js';
import {
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
import { measureProducts, productChart, productRow, productSentence, productSummary } from './products.js';
import { STEP_NOTE, stepChart, stepRow, stepSentence, stepSummary } from './step-table.js';
import { countMixed, describeTexts, type MeasuredStep, MODELS, type ModelName, measureSteps, TEXTS } from './steps.js';

const PARTS = ['block', 'products', 'steps', 'memory'] as const;

const { parts, models, texts, threads, recompute, block, tokens, wide, on, rounds, json, partial } = readArguments(
  {
    only: { type: 'string' },
    model: { type: 'string' },
    texts: { type: 'string', multiple: true },
    threads: { type: 'string' },
    recompute: { type: 'string' },
    block: { type: 'string', default: '512x768x3072' },
    tokens: { type: 'string', default: '512' },
    wide: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '20' },
    json: { type: 'string' },
  },
  ({ only, model, texts = TEXTS, threads, recompute, block, tokens, wide, seconds, json }) => {
    texts.forEach(countMixed);
    return {
      parts: chooseSome('only', only, PARTS),
      models: chooseSome('model', model, Object.keys(MODELS) as ModelName[]),
      texts,
      threads: parseThreads(threads),
      recompute: chooseSome('recompute', recompute, ['off', 'on']).map((one) => one === 'on'),
      block: parseBlock(block),
      tokens: parseCount('tokens', tokens),
      wide,
      on: machineOf({ wide }),
      rounds: { warmups: 1, rounds: 3, seconds: parseSeconds(seconds) },
      json,
    };
  },
  // Each part is a report.
  ['only'],
);
console.log(nameMachine(on));
const measured: Record<string, readonly Row[]> = {};
if (parts.includes('block')) measured.block = await runBlock();
if (parts.includes('products')) measured.products = await runProducts();
if (parts.includes('steps')) measured.steps = await runSteps();
if (parts.includes('memory')) measured.memory = await runMemory();
if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine: on, ...measured }, null, 2)}\n`);

/** The kernels of training without a model, on one thread. */
async function kernels(): Promise<TrainingEngine> {
  const runtime = await startRuntime({ maxMemoryBytes: 2 ** 30, threads: 1 });
  return TrainingEngine.make(new Engine(runtime, { dtype: 'float32', inputs: 3072 }));
}

/** Writes a part's report, unless `--json` or a choice asks for none. @returns its rows */
function write(name: string, report: Omit<Report, 'command'>): readonly Row[] {
  const command = `npm run bench:train${wide ? ' -- --wide' : ''}`;
  if (json === undefined) writeReport(`training-${name}`, { ...report, command }, { partial, on });
  return report.rows;
}

async function runBlock(): Promise<readonly Row[]> {
  const versions = installTrainingPeers();
  const training = await kernels();
  const peers = [ours(training), ...(await openJax()), await openTfjs()];
  const { build } = training.engine;
  const contest = await feedForwardContest(peers, block, new RegisterPeak(build, 'float32'), rounds);
  for (const sentence of feedForwardSentences(contest)) console.log(sentence);
  return write('block', {
    title: `The feed-forward block, forward and backward, against other libraries, ${build} build`,
    summary: feedForwardSummary(contest),
    note:
      `Against ${versions}. Half the sum of squares of gelu_new(x · W1 + b1) · W2 + b2 - target, and its gradients in x, W1, b1, W2 and ` +
      "b2; one thread. Every answer was compared, with float64 on a small block and with ours on this one: the worst gradient's share of " +
      'energy that is error (NMSE). Medians of processor time by turns; the register peak by processor time in the same run.',
    rows: feedForwardRows(contest),
    charts: [feedForwardChart(contest)],
    raw: contest,
  });
}

async function runProducts(): Promise<readonly Row[]> {
  const training = await kernels();
  const { build } = training.engine;
  // Before five warm-ups V8 has not optimised every kernel.
  const results = await measureProducts(training, tokens, new RegisterPeak(build, 'float32'), {
    ...rounds,
    warmups: 5,
  });
  for (const result of results) console.log(productSentence(result));
  return write('products', {
    title: `The products of a backward pass at ALBERT-base's sizes, ${build} build`,
    summary: productSummary(results),
    note:
      'dX = dY · Wᵀ and dW += Xᵀ · dY of a layer of inputs x outputs, one thread; packing and transposing are included. Medians of ' +
      'processor time by turns; shares of the register peak of the same round. Answers were compared with float64 first.',
    rows: results.map(productRow),
    charts: [productChart(results)],
    raw: results,
  });
}

async function runSteps(): Promise<readonly Row[]> {
  const results: MeasuredStep[] = [];
  for (const model of models) {
    for (const name of texts) {
      const some = await measureSteps(model, name, threads, recompute, rounds);
      results.push(...some);
      for (const result of some) console.log(stepSentence(result));
    }
  }
  return write('steps', {
    title: 'Training steps of albert-mini-en and ALBERT-base',
    summary: stepSummary(results),
    note: `${texts.map(describeTexts).join('; ')}. ${STEP_NOTE}`,
    rows: results.map(stepRow),
    charts: [stepChart(results)],
    raw: results,
  });
}

async function runMemory(): Promise<readonly Row[]> {
  const results: MeasuredMemory[] = [];
  for (const model of models) {
    const result = await measureMemory(model, 32, 128);
    console.log(memorySentence(result));
    results.push(result);
  }
  return write('memory', {
    title: 'Memory of a training with default settings',
    summary: `${results.map(memorySentence).join('; ')}.`,
    note:
      'Texts x tokens. The peak of resident memory of a new process that loads the model and takes two steps, above that of an empty ' +
      'Node.',
    rows: results.map(memoryRow),
    charts: [],
    raw: results,
  });
}
