/**
 * What int8 costs in answers, on each build of the kernels that this engine runs, and the report.
 *
 * `--only START` takes the measures whose name starts with it (sst2, fill-mask, nmse) and prints them, `--limit N` the first
 * N sentences of each, `--json FILE` writes the figures there. With V8's flag `--no-enable-avx-vnni` before `--import`, activations
 * have 7 bits also where the processor has AVX-VNNI; that report has a name of its own.
 */
import { BUILDS } from '../../test/support/builds.js';
import { readArguments } from '../arguments.js';
import { parseCount } from '../choices.js';
import { machine, nameMachine } from '../machine.js';
import { writeReport } from '../report.js';
import { MEASURES } from './measures.js';

const { chosen, limit, json, partial } = readArguments(
  { only: { type: 'string', default: '' }, limit: { type: 'string' }, json: { type: 'string' } },
  ({ only, limit, json }) => {
    const chosen = MEASURES.filter(({ name }) => name.startsWith(only));
    if (chosen.length === 0) throw new Error(`no measure's name starts with "${only}"`);
    return { chosen, limit: limit === undefined ? undefined : parseCount('limit', limit), json };
  },
);
const NARROW = '--no-enable-avx-vnni';
const here = machine();
const on = process.execArgv.includes(NARROW)
  ? { ...here, engine: `${here.engine}, ${NARROW}`, tag: here.tag.replace('-avx-vnni', '-no-avx-vnni') }
  : here;
console.log(nameMachine(on));

const rows = [];
for (const { name, target, missing, measure } of chosen) {
  if (missing !== undefined) {
    console.log(`skipped: ${name}: ${missing}`);
    continue;
  }
  // The debug build gives the plain build's bits, the scalar one quantises as it does: both would take minutes.
  for (const { name: build, wasmUrl } of BUILDS.filter(({ name }) => name === 'simd' || name === 'relaxed')) {
    const { met, ...outcome } = await measure(wasmUrl, limit);
    rows.push({ measure: name, build, ...outcome, target, met: met ? 'yes' : 'no' });
    console.log(
      `${build.padEnd(8)} ${outcome.activationBits} bits, ${name}: ${outcome.cost} (${target}): ${met ? 'met' : 'NOT met'}`,
    );
  }
}

writeReport(
  'accuracy',
  {
    title: 'What int8 costs in answers',
    summary: `${rows.map((row) => `${row.measure.split(':')[0]} on ${row.build}: ${row.cost}`).join('; ')}.`,
    note:
      'Each build of the kernels that this engine runs: relaxed SIMD quantises activations to 8 bits where the processor multiplies them exactly, else to 7, plain SIMD to 13. The ' +
      'sentences are in bench/accuracy/sentences.txt.',
    command:
      on === here
        ? 'npm run bench:accuracy'
        : `node ${NARROW} --import tsx --conditions=@albert-wasm/source bench/accuracy/index.ts`,
    rows,
    charts: [],
    raw: rows,
  },
  { json, partial: partial || rows.length === 0, on },
);
