/**
 * Times whole forwards of ALBERT-base, by turns in every dtype and on every number of threads, and writes the report.
 *
 * `--shape BATCHxSEQ` (repeatable), `--dtype float32,int8`, `--threads 1,2`, `--seconds N` for each shape, `--json FILE`
 * writes the figures there.
 */
import { parseArgs } from 'node:util';
import type { AlbertModel } from '../src/model/heads/model.js';
import type { InitOptions } from '../src/model/options.js';
import { forwardFlops, loadAlbertBase, nameShape, parseShape, type Shape, tokenIds } from './albert-base.js';
import { alternate, type Samples } from './alternate.js';
import { machine } from './machine.js';
import { RegisterPeak } from './peak.js';
import { nameMachine, rounded, writeReport } from './report.js';
import { median, quantile } from './statistics.js';

const { values } = parseArgs({
  options: {
    shape: { type: 'string', multiple: true, default: ['1x16', '1x128', '8x128', '1x512'] },
    dtype: { type: 'string', default: 'float32' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '8' },
    json: { type: 'string' },
  },
});

/** A model and how it was made. */
interface Contestant {
  readonly dtype: string;
  readonly threads: number;
  readonly model: AlbertModel;
}

const contestants = new Map<string, Contestant>();
for (const dtype of values.dtype.split(',')) {
  for (const threads of values.threads.split(',').map(Number)) {
    const model = await loadAlbertBase({ dtype, threads } as InitOptions);
    const { threads: got, whyNotThreaded } = model.info();
    if (got !== threads) throw new Error(`${threads} threads are not to be had: ${whyNotThreaded}`);
    contestants.set(`${dtype}, ${threads} threads`, { dtype, threads, model });
  }
}
const [first] = contestants.values();
if (first === undefined) throw new Error('there is nothing to measure');
const { kernels: build } = first.model.info();
const peak = new RegisterPeak(build);
console.log(`${nameMachine(machine())}; ${build} build`);

const measured = [];
const rows = [];
for (const shape of values.shape.map(parseShape)) {
  const input_ids = { data: tokenIds(shape), shape: [shape.batch, shape.seq] };
  let peakFlops = 0;
  let sink = 0;
  const forwards = [...contestants].map(([name, { model }]) => {
    const forward = async () => {
      const { last_hidden_state } = await model.forward({ input_ids });
      sink += last_hidden_state.data[0] as number;
    };
    return [name, forward] as const;
  });
  const samples: Record<string, Samples> = await alternate<string>(
    {
      ...Object.fromEntries(forwards),
      peak: () => {
        peakFlops = peak.run();
      },
    },
    { warmups: 3, rounds: 5, seconds: Number(values.seconds) },
  );
  if (!Number.isFinite(sink)) throw new Error(`the forward of ${nameShape(shape)} computed ${sink}`);
  measured.push({ shape: nameShape(shape), samples, peakFlops });
  const peakRate = peakFlops / median((samples.peak as Samples).wall) / 1e6;
  for (const [name, contestant] of contestants) {
    const base = [...contestants].find(([, { dtype }]) => dtype === contestant.dtype) as [string, Contestant];
    const row = summary(shape, contestant, samples[name] as Samples, samples[base[0]] as Samples, peakRate);
    rows.push(row);
    console.log(
      `${row.shape.padEnd(6)} ${name.padEnd(18)} ${row.ms} ms (best ${row['best, ms']}; ${row['quartiles, ms']}; cpu ${row['cpu ms']}), ` +
        `${row['tokens/s']} tokens/s, ${row['GFLOP/s']} GFLOP/s, ${row.share} of ${row['peak, GFLOP/s']}` +
        (name === base[0] ? '' : `, times as fast as ${base[1].threads}: ${row['times as fast, best and quartiles']}`),
    );
  }
}
for (const { model } of contestants.values()) await model.dispose();

writeReport(
  'model',
  {
    title: `Forwards of ALBERT-base, ${build} build`,
    note:
      'Batch x sequence, no padding, all rows of a shape by turns. Medians; the peak is one thread’s, measured between the ' +
      'forwards. "Times as fast" compares with the first number of threads of the same dtype: best with best, and the ' +
      'same quartiles.',
    rows,
    raw: measured,
  },
  values.json,
);

function summary(shape: Shape, { dtype, threads }: Contestant, samples: Samples, base: Samples, peakRate: number) {
  const { wall, cpu } = samples;
  const ms = median(wall);
  const rate = forwardFlops(shape) / ms / 1e6;
  const faster = [0, 0.25, 0.5, 0.75].map((q) => (quantile(base.wall, q) / quantile(wall, q)).toFixed(2));
  return {
    shape: nameShape(shape),
    dtype,
    threads,
    ms: rounded(ms, 2),
    'best, ms': rounded(Math.min(...wall), 2),
    'quartiles, ms': `${quantile(wall, 0.25).toFixed(2)} – ${quantile(wall, 0.75).toFixed(2)}`,
    'cpu ms': rounded(median(cpu), 2),
    'tokens/s': rounded((shape.batch * shape.seq * 1000) / ms, 0),
    'GFLOP/s': rounded(rate),
    'peak, GFLOP/s': rounded(peakRate),
    share: `${((rate / peakRate) * 100).toFixed(0)} %`,
    'times as fast, best and quartiles': faster.join(', '),
    runs: wall.length,
  };
}
