/**
 * Times whole float32 forwards of ALBERT-base and writes the report.
 *
 * `--shape BATCHxSEQ` (repeatable), `--seconds N` for each shape, `--json FILE` writes the figures there.
 */
import { parseArgs } from 'node:util';
import { forwardFlops, loadAlbertBase, nameShape, parseShape, type Shape, tokenIds } from './albert-base.js';
import { alternate, type Samples } from './alternate.js';
import { machine } from './machine.js';
import { RegisterPeak } from './peak.js';
import { nameMachine, rounded, writeReport } from './report.js';
import { median, quantile } from './statistics.js';

const { values } = parseArgs({
  options: {
    shape: { type: 'string', multiple: true, default: ['1x16', '1x128', '8x128', '1x512'] },
    seconds: { type: 'string', default: '8' },
    json: { type: 'string' },
  },
});

const model = await loadAlbertBase();
const { kernels: build } = model.info();
const peak = new RegisterPeak(build);
console.log(`${nameMachine(machine())}; ${build} build`);

const measured: { shape: string; forward: Samples; peak: Samples; peakFlops: number }[] = [];
const rows = [];
for (const shape of values.shape.map(parseShape)) {
  const { batch, seq } = shape;
  const input_ids = { data: tokenIds(shape), shape: [batch, seq] };
  let peakFlops = 0;
  let sink = 0;
  const samples = await alternate(
    {
      forward: async () => {
        const { last_hidden_state } = await model.forward({ input_ids });
        sink += last_hidden_state.data[0] as number;
      },
      peak: () => {
        peakFlops = peak.run();
      },
    },
    { warmups: 3, rounds: 5, seconds: Number(values.seconds) },
  );
  if (!Number.isFinite(sink)) throw new Error(`the forward of ${nameShape(shape)} computed ${sink}`);
  measured.push({ shape: nameShape(shape), ...samples, peakFlops });
  const row = summary(shape, samples.forward, peakFlops / median(samples.peak.wall) / 1e6);
  rows.push(row);
  console.log(
    `${row.shape.padEnd(6)} ${row.ms} ms (${row['quartiles, ms']}; cpu ${row['cpu ms']}), ${row['tokens/s']} tokens/s, ` +
      `${row['GFLOP/s']} GFLOP/s, ${row.share} of ${row['peak, GFLOP/s']}`,
  );
}

writeReport(
  'model',
  {
    title: `Forwards of ALBERT-base, float32, ${build} build`,
    note: 'One thread, batch x sequence, no padding. Medians; the peak is measured between the forwards.',
    rows,
    raw: measured,
  },
  values.json,
);

function summary(shape: Shape, { wall, cpu }: Samples, peakRate: number) {
  const ms = median(wall);
  const rate = forwardFlops(shape) / ms / 1e6;
  return {
    shape: nameShape(shape),
    ms: rounded(ms, 2),
    'quartiles, ms': `${quantile(wall, 0.25).toFixed(2)} – ${quantile(wall, 0.75).toFixed(2)}`,
    'cpu ms': rounded(median(cpu), 2),
    'tokens/s': rounded((shape.batch * shape.seq * 1000) / ms, 0),
    'GFLOP/s': rounded(rate),
    'peak, GFLOP/s': rounded(peakRate),
    share: `${((rate / peakRate) * 100).toFixed(0)} %`,
    runs: wall.length,
  };
}
