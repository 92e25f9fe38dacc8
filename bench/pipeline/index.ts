/**
 * Sentences per second from the text to the label: SST-2's sentences through the shipped classifier, beside onnxruntime-web on
 * padded batches and transformers.js's own pipeline, all on the same weights. Answers are compared, then all take turns.
 *
 * `--dtype float32,int8` and `--threads 1,2` run those and print them; with `--add`, what is not run again stays in the report as
 * it is. `--only TEXT` (of the runtimes, those whose name has it), `--sentences N` and `--rounds N` (default: 3) print what they
 * run, with `--add` too. `--wide` sets V8's flag for 256-bit vectors for all. `--json FILE` writes the figures there.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AlbertForSequenceClassification, AlbertTokenizer, type LabelScore, pipeline } from '../../src/entry/index.js';
import type { Dtype } from '../../src/ground/dtypes.js';
import { readArguments } from '../arguments.js';
import { parseCount, parseDtypes, parseThreads } from '../choices.js';
import { machineOf, nameMachine } from '../machine.js';
import { encodeAlbertOnnx } from '../onnx/albert.js';
import { sequenceClassification } from '../onnx/heads.js';
import { quantizedMatrices } from '../onnx/quantized.js';
import { BATCH, type Classifier, type SentimentModel } from '../peers/classifier.js';
import { installPeers } from '../peers/install.js';
import { openPadded } from '../peers/padded.js';
import { FORMATS, openTransformersNative, openTransformersWeb } from '../peers/transformers.js';
import { lastRaw, writeReport } from '../report.js';
import { sst2Sentences } from '../sst2.js';
import {
  type Contest,
  compare,
  contestBits,
  contestChart,
  contestLines,
  contestRows,
  contestSummary,
  TOLERANCE,
} from './contest.js';

const OURS = 'albert-wasm';
const MODEL = new URL('../../models/albert-mini-en-sst2/', import.meta.url);

/** What opens the peers, by their names. */
const PEERS = [
  { names: ['onnxruntime-web, sorted', 'onnxruntime-web, unsorted'], open: openPadded },
  { names: ['transformers.js on onnxruntime-web'], open: openTransformersWeb },
  { names: ['transformers.js on onnxruntime-node'], open: openTransformersNative },
];

const { dtypes, threads, peers, sentences, rounds, wide, on, add, json, partial } = readArguments(
  {
    dtype: { type: 'string' },
    threads: { type: 'string' },
    only: { type: 'string', default: '' },
    sentences: { type: 'string' },
    wide: { type: 'boolean', default: false },
    add: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
  ({ dtype, threads, only, sentences, wide, add, rounds, json }) => {
    const chosen = (name: string) => name.includes(only);
    const peers = PEERS.filter(({ names }) => names.some(chosen));
    if (peers.length === 0 && !chosen(OURS)) throw new Error(`there is no runtime with "${only}" in its name`);
    return {
      dtypes: parseDtypes(dtype),
      threads: parseThreads(threads),
      peers,
      rounds: { warmups: 0, rounds: parseCount('rounds', rounds), seconds: 0 },
      sentences: sst2Sentences(sentences === undefined ? undefined : parseCount('sentences', sentences)),
      wide,
      on: machineOf({ wide }),
      add,
      json,
    };
  },
);
const texts = sentences.map(({ text }) => text);
const versions = peers.length > 0 ? installPeers(/onnxruntime|transformers/) : 'none';

// onnxruntime-web cannot be loaded twice, and its number of threads is the process's: each number has a process of its own.
const contests = threads.length === 1 ? await run(threads[0] as number) : threads.flatMap(runProcess);

const key = ({ dtype, threads: count }: Contest) => `${dtype} ${count}`;
const kept = add
  ? lastRaw<Contest>('pipeline', on).filter((old) => !contests.some((one) => key(one) === key(old)))
  : [];
const all = [...kept, ...contests].sort((a, b) => key(a).localeCompare(key(b)));
writeReport(
  'pipeline',
  {
    title: "SST-2's sentences, from the text to the label",
    summary: contestSummary(all),
    note:
      `The first half of SST-2's development set, ${texts.length} sentences, through albert-mini-en-sst2; ours in one call, packed without ` +
      `padding; against ${versions}. onnxruntime-web has our tokenizer and batches of ${BATCH}, padded to their longest text, sorted by ` +
      'length or not; transformers.js has its own pipeline, called with 32 texts each time, as in Node (onnxruntime-node, native code) ' +
      "and on a page's onnxruntime-web. The same weights as ONNX; in int8 the products that are int8 in our model. Medians by turns; ratios are " +
      'the medians round by round. Before that, the score of POSITIVE was compared with that of our float32 model on one thread: at most ' +
      `${TOLERANCE.float32} off in float32 and ${TOLERANCE.int8} in int8. ${contestBits(all)}`,
    command: `npm run bench:pipeline${wide ? ' -- --wide' : ''}`,
    rows: all.flatMap(contestRows),
    charts: [contestChart(all)],
    raw: all,
  },
  { json, partial, on },
);

/** Compares and times, on so many threads. */
async function run(count: number): Promise<Contest[]> {
  console.log(nameMachine(on));
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-pipeline-`);
  try {
    const model = peers.length > 0 ? await writeModel(pathToFileURL(`${directory}/albert/`)) : undefined;
    const reference = await openOurs('float32', 1);
    const expected = await reference.classify(texts);
    await reference.release();
    const measured: Contest[] = [];
    for (const dtype of dtypes) {
      const ours = await openOurs(dtype, count);
      const classifiers: Classifier[] = [ours];
      if (model !== undefined) for (const { open } of peers) classifiers.push(...(await open(model, dtype, count)));
      const contestants = await compare(classifiers, sentences, dtype, expected, rounds);
      const contest = { dtype, threads: count, sentences: texts.length, vectorBits: ours.vectorBits(), contestants };
      measured.push(contest);
      for (const line of contestLines(contest)) console.log(line);
      for (const { release } of classifiers) await release();
    }
    return measured;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** This program for one number of threads. */
function runProcess(count: number): Contest[] {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-pipeline-`);
  try {
    const json = `${directory}/figures.json`;
    const given = process.argv.slice(1).filter((word) => word !== '--add');
    const program = [...process.execArgv, ...given, '--threads', String(count), '--json', json];
    execFileSync(process.execPath, program, { stdio: 'inherit' });
    return JSON.parse(readFileSync(json, 'utf8')).raw;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Our pipeline: all texts in one call. */
async function openOurs(dtype: Dtype, count: number): Promise<Classifier & { vectorBits(): number | undefined }> {
  const classify = await pipeline('sentiment-analysis', fileURLToPath(MODEL), { dtype, threads: count });
  const { threads: got, whyNotThreaded } = classify.model.info();
  if (got !== count) throw new Error(`${count} threads are not available: ${whyNotThreaded}`);
  return {
    name: OURS,
    classify: async (some) => (await classify(some)).map(([best]) => best as LabelScore),
    release: () => classify.dispose(),
    vectorBits: () => classify.model.info().vectorBits,
  };
}

/** Writes the same weights for transformers.js. */
async function writeModel(folder: URL): Promise<SentimentModel> {
  mkdirSync(new URL('onnx/', folder), { recursive: true });
  for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json']) {
    writeFileSync(new URL(file, folder), readFileSync(new URL(file, MODEL)));
  }
  const source = fileURLToPath(MODEL);
  await using model = await AlbertForSequenceClassification.from_pretrained(source);
  await using int8 = await AlbertForSequenceClassification.from_pretrained(source, { dtype: 'int8' });
  const albert = { config: model.config, tensors: model.params };
  const head = sequenceClassification;
  const onnx = {
    float32: encodeAlbertOnnx(albert, { head }),
    int8: encodeAlbertOnnx(albert, { head, quantized: quantizedMatrices(albert, int8) }),
  };
  for (const dtype of dtypes) writeFileSync(new URL(FORMATS[dtype].file, folder), onnx[dtype]);
  const tokenizer = await AlbertTokenizer.from_pretrained(source);
  return { folder, onnx, tokenizer, id2label: model.config.id2label };
}
