/**
 * Times ALBERT-base over texts of mixed lengths: packed into one run, against padded to the longest with a mask, and one by
 * one. The answers are compared first.
 *
 * `--texts N`, `--longest N` tokens, `--dtype float32,int8` and `--seconds N` for each (default: 60) run those and print them,
 * `--json FILE` writes the figures there.
 */
import { albertBase, CONFIG, loadAlbert } from './albert-base.js';
import { alternate } from './alternate.js';
import { readArguments } from './arguments.js';
import type { Bar, Chart } from './chart.js';
import { parseCount, parseDtypes, parseSeconds } from './choices.js';
import { rounded } from './format.js';
import { machine, nameMachine } from './machine.js';
import { writeReport } from './report.js';
import { median, quartiles, ratios } from './statistics.js';
import { mixedTexts, SHORTEST } from './texts.js';

const { count, longest, dtypes, seconds, json, partial } = readArguments(
  {
    texts: { type: 'string', default: '32' },
    longest: { type: 'string', default: '128' },
    dtype: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    json: { type: 'string' },
  },
  ({ texts, longest, dtype, seconds, json }) => ({
    count: parseCount('texts', texts),
    longest: parseCount('longest', longest, SHORTEST, CONFIG.max_position_embeddings),
    dtypes: parseDtypes(dtype),
    seconds: parseSeconds(seconds),
    json,
  }),
);

/** What padding may change. */
const TOLERANCE = 1e-6;

const texts = mixedTexts(count, longest);
const lengths = texts.map(({ length }) => length);
const seq = Math.max(...lengths);
const real = lengths.reduce((sum, length) => sum + length, 0);
const padding = (lengths.length * seq) / real;

/** (texts, seq): `fill` of each token, zeros past a text's end. */
function padded(fill: (id: number) => number) {
  const data = new Int32Array(texts.length * seq);
  texts.forEach((ids, row) => {
    data.set(ids.map(fill), row * seq);
  });
  return { data, shape: [texts.length, seq] };
}

function tokensPerSecond(series: string, ms: readonly number[]): Bar {
  const of = (time: number) => (real * 1000) / time;
  const [lower, upper] = quartiles(ms);
  return { series, value: of(median(ms)), quartiles: [of(upper), of(lower)] };
}

const each = texts.map((input_ids) => ({ input_ids }));
const rectangle = { input_ids: padded((id) => id), attention_mask: padded(() => 1) };

const rows = [];
const raw = [];
const groups: Chart['groups'][number][] = [];
let build = '';
const albert = await albertBase();
console.log(nameMachine(machine()));
for (const dtype of dtypes) {
  await using model = await loadAlbert(albert, { dtype });
  build = model.info().kernels;
  const { hidden_size } = model.config;
  const [ragged, whole] = [await model.forwardEach(each), await model.forward(rectangle)];
  let difference = 0;
  ragged.forEach(({ last_hidden_state: { data } }, i) => {
    data.forEach((value, at) => {
      const other = whole.last_hidden_state.data[i * seq * hidden_size + at] as number;
      difference = Math.max(difference, Math.abs(value - other));
    });
  });
  if (!(difference <= TOLERANCE)) throw new Error(`${dtype}: packed and padded differ by ${difference}`);

  const samples = await alternate(
    {
      packed: () => model.forwardEach(each),
      padded: () => model.forward(rectangle),
      'one by one': async () => {
        for (const one of each) await model.forward(one);
      },
    },
    { warmups: 0, rounds: 3, seconds },
  );
  const { packed, padded, 'one by one': single } = samples;
  raw.push({ dtype, ...samples });
  groups.push({
    label: dtype,
    bars: Object.entries(samples).map(([series, { wall }]) => tokensPerSecond(series, wall)),
  });
  const speedUp = median(ratios(padded.cpu, packed.cpu));
  rows.push({
    dtype,
    'packed, ms': rounded(median(packed.wall), 0),
    'tokens/s': rounded((real * 1000) / median(packed.wall), 0),
    'padded, ms': rounded(median(padded.wall), 0),
    'padded / packed': rounded(speedUp, 2),
    'tokens padded / real': rounded(padding, 2),
    'one by one / packed': rounded(median(ratios(single.cpu, packed.cpu)), 2),
    'largest difference': difference.toExponential(1),
    runs: packed.wall.length,
  });
  console.log(rows.at(-1));
}

writeReport(
  'ragged',
  {
    title: `${lengths.length} texts of ${SHORTEST} to ${longest} tokens, ALBERT-base, ${build} build`,
    summary: `${rows.map((row) => `${row.dtype}: padding takes ${row['padded / packed']} times the time of one packed run`).join('; ')}.`,
    command: 'npm run bench:ragged',
    charts: [
      {
        name: 'tokens',
        title: `${lengths.length} texts of ${SHORTEST} to ${longest} tokens, ALBERT-base, ${build} build`,
        unit: 'Tokens of the texts per second, more is better; lines are quartiles',
        groups,
      },
    ],
    note: `${real} tokens, ${lengths.length * seq} with padding; one thread. Medians by turns; ratios are of processor time.`,
    rows,
    raw,
  },
  { json, partial },
);
