/**
 * ALBERT-base, one thread, against other runtimes on the same weights: answers compared, then timed by turns.
 *
 * `--shape BATCHxSEQ` (repeatable) and `--dtype float32,int8` run those and print them, `--seconds N` for each shape,
 * `--onnx DIR` takes `albert_base_v2_f32.onnx` and `albert_base_v2_int8_dynamic.onnx` from there instead of making
 * them, `--json FILE` writes the figures there.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Dtype } from '../../src/ground/dtypes.js';
import type { AlbertModel } from '../../src/model/models.js';
import { type Albert, albertBase, loadAlbert, parseShape } from '../albert-base.js';
import { parseDtypes, SHAPES } from '../choices.js';
import { lastHiddenState } from '../forwards.js';
import { machine, nameMachine } from '../machine.js';
import { encodeAlbertOnnx } from '../onnx/albert.js';
import { RegisterPeak } from '../peak.js';
import { writeReport } from '../report.js';
import { type Contest, contest, contestCharts, contestRows, contestSentences, contestSummary } from './contest.js';
import { installPeers } from './install.js';
import { openNative, openWeb } from './onnx.js';
import type { Peer } from './peer.js';
import { openTfjs } from './tfjs.js';

const ONNX_FILES = { float32: 'albert_base_v2_f32.onnx', int8: 'albert_base_v2_int8_dynamic.onnx' } as const;

const { values } = parseArgs({
  options: {
    shape: { type: 'string', multiple: true },
    dtype: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    onnx: { type: 'string' },
    json: { type: 'string' },
  },
});
const shapes = (values.shape ?? SHAPES).map(parseShape);
const dtypes = parseDtypes(values.dtype ?? 'float32,int8');

const versions = installPeers();
const albert = await albertBase();
const reference = await loadAlbert(albert);
const { kernels: build } = reference.info();
console.log(`${nameMachine(machine())}; ${build} build`);

const contests: Contest[] = [];
for (const dtype of dtypes) {
  const ours = dtype === 'float32' ? reference : await loadAlbert(albert, { dtype });
  const peers = [our(ours), ...(await openPeers(albert, dtype))];
  const peak = new RegisterPeak(build, dtype);
  for (const shape of shapes) {
    const expected = await lastHiddenState(reference, shape);
    const rounds = { warmups: 1, rounds: 5, seconds: Number(values.seconds) };
    const result = await contest(peers, shape, dtype, expected, peak, rounds);
    contests.push(result);
    for (const sentence of contestSentences(result)) console.log(sentence);
  }
  for (const peer of peers.slice(1)) await peer.release();
}

writeReport(
  'peers',
  {
    title: `ALBERT-base, one thread, against other runtimes, ${build} build`,
    summary: contestSummary(contests),
    note:
      `Against ${versions}. Batch x sequence, no padding, the same weights. Medians of wall and processor time, measured by ` +
      'turns; ratios of wall medians, with the quartiles of the ratio round by round. Before that every answer was compared ' +
      'with our float32 one: the largest difference, and the share of its energy that is error (NMSE). In int8 every product ' +
      'with weights is quantised, ' +
      "in ONNX Runtime's files with one scale per channel, and one scale and zero point per activation tensor; " +
      'TensorFlow.js has no int8. onnxruntime-node is native code and uses vector instructions that WebAssembly does not have.',
    command: 'npm run bench:peers',
    rows: contests.flatMap(contestRows),
    charts: contestCharts(contests),
    raw: contests,
  },
  { json: values.json, partial: values.shape !== undefined || values.dtype !== undefined || values.onnx !== undefined },
);

function our(model: AlbertModel): Peer {
  return {
    name: 'albert-wasm',
    prepare: (_, shape) => () => lastHiddenState(model, shape),
    release: () => model.dispose(),
  };
}

async function openPeers(albert: Albert, dtype: Dtype): Promise<Peer[]> {
  const onnx =
    values.onnx === undefined
      ? encodeAlbertOnnx(albert, dtype)
      : new Uint8Array(readFileSync(resolve(values.onnx, ONNX_FILES[dtype])));
  const peers = [await openWeb(onnx)];
  try {
    peers.push(await openNative(onnx));
  } catch (error) {
    console.log(`without onnxruntime-node, which does not load here: ${(error as Error).message}`);
  }
  if (dtype === 'float32') peers.push(await openTfjs(albert));
  return peers;
}
