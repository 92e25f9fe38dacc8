/**
 * ALBERT-base, one thread, against other runtimes on the same weights: answers compared, then timed by turns.
 *
 * `--shape BATCHxSEQ` (repeatable) and `--dtype float32,int8` run those and print them; with `--add`, what is not run again stays
 * in the report as it is. `--wide` sets V8's flag for 256-bit vectors for all. `--seconds N` for each shape (default: 20) prints the
 * rows, with `--add` too. `--json FILE` writes the figures there.
 */
import { DTYPES } from '../../src/ground/dtypes.js';
import type { AlbertModel } from '../../src/model/models.js';
import { type Albert, albertBase, loadAlbert, nameShape, parseShape } from '../albert-base.js';
import { readArguments } from '../arguments.js';
import { parseDtypes, parseSeconds, SHAPES } from '../choices.js';
import { lastHiddenState } from '../forwards.js';
import { machineOf, nameMachine } from '../machine.js';
import { encodeAlbertOnnx } from '../onnx/albert.js';
import { quantizedMatrices } from '../onnx/quantized.js';
import { RegisterPeak } from '../peak.js';
import { lastRaw, writeReport } from '../report.js';
import {
  type Contest,
  contest,
  contestBits,
  contestCharts,
  contestRows,
  contestSentences,
  contestSummary,
} from './contest.js';
import { installPeers } from './install.js';
import { openNative, openWeb } from './onnx.js';
import type { Peer } from './peer.js';
import { openTfjs } from './tfjs.js';

const { shapes, dtypes, seconds, wide, on, add, json, partial } = readArguments(
  {
    shape: { type: 'string', multiple: true },
    dtype: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    wide: { type: 'boolean', default: false },
    add: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
  ({ shape = SHAPES, dtype, seconds, wide, add, json }) => ({
    shapes: shape.map(parseShape),
    dtypes: parseDtypes(dtype),
    seconds: parseSeconds(seconds),
    wide,
    on: machineOf({ wide }),
    add,
    json,
  }),
);
const versions = installPeers(/onnxruntime|tfjs/);
const albert = await albertBase();
const reference = await loadAlbert(albert);
const { kernels: build } = reference.info();
console.log(`${nameMachine(on)}; ${build} build`);

const contests: Contest[] = [];
for (const dtype of dtypes) {
  const ours = dtype === 'float32' ? reference : await loadAlbert(albert, { dtype });
  const peers = [our(ours), ...(await openPeers(albert, ours))];
  const peak = new RegisterPeak(build, dtype);
  for (const shape of shapes) {
    const expected = await lastHiddenState(reference, shape);
    const rounds = { warmups: 1, rounds: 5, seconds };
    const result = await contest(peers, shape, dtype, expected, peak, rounds);
    contests.push({ ...result, vectorBits: ours.info().vectorBits });
    for (const sentence of contestSentences(result)) console.log(sentence);
  }
  for (const peer of peers.slice(1)) await peer.release();
}

const key = ({ dtype, shape }: Contest) => `${dtype} ${nameShape(shape)}`;
const order = DTYPES.flatMap((dtype) => SHAPES.map((shape) => `${dtype} ${shape}`));
const kept = add ? lastRaw<Contest>('peers', on).filter((old) => !contests.some((one) => key(one) === key(old))) : [];
const all = [...kept, ...contests].sort((a, b) => order.indexOf(key(a)) - order.indexOf(key(b)));
writeReport(
  'peers',
  {
    title: `ALBERT-base, one thread, against other runtimes, ${build} build`,
    summary: contestSummary(all),
    note:
      `Against ${versions}. Batch x sequence, no padding, the same weights. Medians of wall and processor time, measured by ` +
      'turns; ratios are medians round by round, with their quartiles. Before that every answer was compared ' +
      'with our float32 one: the largest difference, and the share of its energy that is error (NMSE). In int8 the same products ' +
      'are int8 on all sides, ' +
      "in ONNX Runtime's files with one scale per channel, and one scale and zero point per activation tensor; " +
      'TensorFlow.js has no int8. onnxruntime-node is native code and uses vector instructions that WebAssembly does not have. ' +
      contestBits(all),
    command: `npm run bench:peers${wide ? ' -- --wide' : ''}`,
    rows: all.flatMap(contestRows),
    charts: contestCharts(all),
    raw: all,
  },
  { json, partial, on },
);

function our(model: AlbertModel): Peer {
  return {
    name: 'albert-wasm',
    prepare: (_, shape) => () => lastHiddenState(model, shape),
    release: () => model.dispose(),
  };
}

/** The peers with the products in int8 that are int8 in our model. */
async function openPeers(albert: Albert, ours: AlbertModel): Promise<Peer[]> {
  const { dtype } = ours.info();
  const onnx = encodeAlbertOnnx(albert, dtype === 'int8' ? { quantized: quantizedMatrices(albert, ours) } : {});
  const peers = [await openWeb(onnx)];
  try {
    peers.push(await openNative(onnx));
  } catch (error) {
    console.log(`without onnxruntime-node, which does not load here: ${(error as Error).message}`);
  }
  if (dtype === 'float32') peers.push(await openTfjs(albert));
  return peers;
}
