/**
 * Times every kernel and writes the report.
 *
 * `--only SUBSTRING` runs the kernels whose name holds it and prints them, `--seconds N` for each (default: 1),
 * `--json FILE` writes the figures there.
 */
import { parseArgs } from 'node:util';
import { machine, nameMachine } from '../machine.js';
import { writeReport } from '../report.js';
import { KERNEL_BENCHES, kernelEngine } from './all.js';
import { measure, peaksOf } from './suite.js';
import { kernelReport, kernelSentence } from './table.js';

const { values } = parseArgs({
  options: { only: { type: 'string' }, seconds: { type: 'string', default: '1' }, json: { type: 'string' } },
});
const { only = '', json } = values;

const chosen = KERNEL_BENCHES.filter(({ name }) => name.includes(only));
if (chosen.length === 0) {
  console.error(`no kernel has "${only}" in its name`);
  process.exit(1);
}

const engine = await kernelEngine();
const peaks = peaksOf(engine.build);
console.log(`${nameMachine(machine())}; ${engine.build} build`);

const measured = chosen.map((bench) => {
  const result = measure(bench, engine, peaks, Number(values.seconds));
  console.log(kernelSentence(result));
  return result;
});

writeReport(
  'kernels',
  { title: `Kernels, ${engine.build} build`, command: 'npm run bench', raw: measured, ...kernelReport(measured) },
  { json, partial: only !== '' },
);
