/**
 * Times whole forwards of ALBERT-base and writes the report.
 *
 * `--shape BATCHxSEQ` (repeatable), `--dtype float32,int8`, `--threads 1,2` and `--seconds N` for each (default: 8) run those
 * and print them, `--json FILE` writes the figures there. `--wide` sets V8's flag for 256-bit vectors.
 */
import { albertBase, loadAlbert, parseShape } from './albert-base.js';
import { readArguments } from './arguments.js';
import { parseDtypes, parseSeconds, parseThreads, SHAPES } from './choices.js';
import { forwardReport, forwardSentence, lastHiddenState, type MeasuredForward, measureForwards } from './forwards.js';
import { machineOf, nameMachine } from './machine.js';
import { RegisterPeak } from './peak.js';
import { writeReport } from './report.js';

const { shapes, dtypes, threads, seconds, wide, on, json, partial } = readArguments(
  {
    shape: { type: 'string', multiple: true },
    dtype: { type: 'string' },
    threads: { type: 'string' },
    seconds: { type: 'string', default: '8' },
    wide: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
  ({ shape = SHAPES, dtype, threads, seconds, wide, json }) => ({
    shapes: shape.map(parseShape),
    dtypes: parseDtypes(dtype),
    threads: parseThreads(threads),
    seconds: parseSeconds(seconds),
    wide,
    on: machineOf({ wide }),
    json,
  }),
);

const albert = await albertBase();
const reference = await loadAlbert(albert);
const { kernels: build } = reference.info();
console.log(`${nameMachine(on)}; ${build} build`);

const measured: MeasuredForward[] = [];
for (const dtype of dtypes) {
  const models = [];
  for (const count of threads) {
    const model = await loadAlbert(albert, { dtype, threads: count });
    const { threads: got, whyNotThreaded } = model.info();
    if (got !== count) throw new Error(`${count} threads are not available: ${whyNotThreaded}`);
    models.push(model);
  }
  const peak = new RegisterPeak(build, dtype);
  for (const shape of shapes) {
    const expected = await lastHiddenState(reference, shape);
    const rounds = { warmups: 2, rounds: 5, seconds };
    const results = await measureForwards(models, shape, expected, peak, rounds);
    measured.push(...results);
    for (const result of results) console.log(forwardSentence(result));
  }
  for (const model of models) await model.dispose();
}
await reference.dispose();

writeReport(
  'model',
  {
    title: `Forwards of ALBERT-base, ${build} build${wide ? ', with 256-bit vectors' : ''}`,
    command: `npm run bench:model${wide ? ' -- --wide' : ''}`,
    raw: measured,
    ...forwardReport(measured),
  },
  { json, partial, on },
);
