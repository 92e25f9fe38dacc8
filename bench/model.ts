/**
 * Times whole forwards of ALBERT-base and writes the report.
 *
 * `--shape BATCHxSEQ` (repeatable) and `--dtype float32,int8` run those and print them, `--seconds N` for each,
 * `--json FILE` writes the figures there.
 */
import { parseArgs } from 'node:util';
import { albertBase, loadAlbert, parseShape } from './albert-base.js';
import { parseDtypes, SHAPES } from './choices.js';
import { forwardReport, forwardSentence, lastHiddenState, type MeasuredForward, measureForward } from './forwards.js';
import { machine, nameMachine } from './machine.js';
import { RegisterPeak } from './peak.js';
import { writeReport } from './report.js';

const { values } = parseArgs({
  options: {
    shape: { type: 'string', multiple: true },
    dtype: { type: 'string' },
    seconds: { type: 'string', default: '8' },
    json: { type: 'string' },
  },
});
const shapes = (values.shape ?? SHAPES).map(parseShape);
const dtypes = parseDtypes(values.dtype ?? 'float32,int8');

const albert = await albertBase();
const reference = await loadAlbert(albert);
const { kernels: build } = reference.info();
console.log(`${nameMachine(machine())}; ${build} build`);

const measured: MeasuredForward[] = [];
for (const dtype of dtypes) {
  const model = dtype === 'float32' ? reference : await loadAlbert(albert, { dtype });
  const peak = new RegisterPeak(build, dtype);
  for (const shape of shapes) {
    const expected = await lastHiddenState(reference, shape);
    const rounds = { warmups: 2, rounds: 5, seconds: Number(values.seconds) };
    const result = await measureForward(model, shape, expected, peak, rounds);
    measured.push(result);
    console.log(forwardSentence(result));
  }
}

writeReport(
  'model',
  {
    title: `Forwards of ALBERT-base, ${build} build`,
    command: 'npm run bench:model',
    raw: measured,
    ...forwardReport(measured),
  },
  { json: values.json, partial: values.shape !== undefined || values.dtype !== undefined },
);
