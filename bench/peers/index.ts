/**
 * ALBERT-base, float32, one thread, against ONNX Runtime on the same weights: answers compared, then timed by turns.
 *
 * `--shape BATCHxSEQ` (repeatable; 1x128 unless given), `--seconds N` for each shape, `--onnx DIR` with
 * `albert_base_v2_f32.onnx`, `--json FILE` writes the figures there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { forwardFlops, loadAlbertBase, nameShape, parseShape, tokenIds } from '../albert-base.js';
import { alternate, type Samples } from '../alternate.js';
import { machine } from '../machine.js';
import { RegisterPeak } from '../peak.js';
import { nameMachine, rounded, writeReport } from '../report.js';
import { median, quantile, ratios } from '../statistics.js';
import { installPeers } from './install.js';
import { openNative, openWeb, type Peer } from './onnx.js';

const OURS = 'albert-wasm';
const PEAK = 'register peak';

/** Largest difference of two float32 forwards: each is within about 3e-6 of float64. */
const TOLERANCE = 2e-5;

const { values } = parseArgs({
  options: {
    shape: { type: 'string', multiple: true, default: ['1x128'] },
    seconds: { type: 'string', default: '20' },
    onnx: { type: 'string', default: fileURLToPath(new URL('../../../shared/peers', import.meta.url)) },
    json: { type: 'string' },
  },
});

const file = resolve(values.onnx, 'albert_base_v2_f32.onnx');
if (!existsSync(file)) {
  console.log(`skipped: there is no ${file}; --onnx names its directory`);
  process.exit(0);
}
installPeers();

const bytes = readFileSync(file);
const peers: Peer[] = [await openWeb(bytes)];
try {
  peers.push(await openNative(bytes));
} catch (error) {
  console.log(`without onnxruntime-node, which does not load here: ${(error as Error).message}`);
}
const model = await loadAlbertBase();
const { kernels: build } = model.info();
const peak = new RegisterPeak(build);
console.log(`${nameMachine(machine())}; ${build} build`);

const rows = [];
const raw = [];
for (const shape of values.shape.map(parseShape)) {
  const { batch, seq } = shape;
  const ids = tokenIds(shape);
  const ours = async () => {
    const { last_hidden_state } = await model.forward({ input_ids: { data: ids, shape: [batch, seq] } });
    return last_hidden_state.data;
  };
  const prepared = peers.map((peer) => [peer.name, peer.prepare(ids, shape)] as const);
  const differences = new Map<string, number>();
  for (const [name, run] of prepared) {
    const difference = largestDifference(await ours(), await run());
    differences.set(name, difference);
    if (!(difference <= TOLERANCE)) throw new Error(`${name} differs by ${difference} at ${nameShape(shape)}`);
  }

  let peakFlops = 0;
  const samples = await alternate(
    {
      [OURS]: ours,
      ...Object.fromEntries(prepared),
      [PEAK]: () => {
        peakFlops = peak.run();
      },
    },
    { warmups: 2, rounds: 7, seconds: Number(values.seconds) },
  );
  raw.push({ shape: nameShape(shape), peakFlops, samples });
  const { [OURS]: mine, [PEAK]: top, ...others } = samples as Record<string, Samples>;
  if (mine === undefined || top === undefined) throw new Error('a contestant was not measured');
  const peakRate = peakFlops / median(top.wall) / 1e6;
  for (const [name, theirs] of [[OURS, mine] as const, ...Object.entries(others)]) {
    const ms = median(theirs.wall);
    const rate = forwardFlops(shape) / ms / 1e6;
    const byRound = ratios(theirs.wall, mine.wall);
    const row = {
      shape: nameShape(shape),
      runtime: name,
      ms: rounded(ms, 2),
      'quartiles, ms': `${quantile(theirs.wall, 0.25).toFixed(2)} – ${quantile(theirs.wall, 0.75).toFixed(2)}`,
      'cpu ms': rounded(median(theirs.cpu), 2),
      'GFLOP/s': rounded(rate),
      'share of peak': `${((rate / peakRate) * 100).toFixed(0)} %`,
      'times our time': rounded(ms / median(mine.wall), 2),
      'quartiles, by round': `${quantile(byRound, 0.25).toFixed(2)} – ${quantile(byRound, 0.75).toFixed(2)}`,
      'largest difference': differences.get(name)?.toExponential(1) ?? '',
    };
    rows.push(row);
    console.log(
      `${row.shape.padEnd(6)} ${name.padEnd(17)} ${ms.toFixed(2).padStart(8)} ms (${row['quartiles, ms']}; ` +
        `cpu ${row['cpu ms']}), ${row['GFLOP/s']} GFLOP/s, ${row['share of peak']} of ${peakRate.toFixed(1)}, ` +
        `${row['times our time']} times ours (${row['quartiles, by round']})`,
    );
  }
}
for (const peer of peers) await peer.release();

writeReport(
  'peers',
  {
    title: `ALBERT-base, float32, one thread, against ONNX Runtime 1.30.0, ${build} build`,
    note:
      'Batch x sequence, no padding, the same weights, all answers compared first. Medians of wall and processor time, ' +
      'measured by turns; ratios of wall medians, with the quartiles of the ratio round by round.',
    rows,
    raw,
  },
  values.json,
);

function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`expected ${a.length} numbers, got ${b.length}`);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}
