/**
 * Times every kernel and writes the report.
 *
 * `--only SUBSTRING` runs the kernels whose name holds it, and with `--seconds N` for each (default: 1) prints them, `--json FILE`
 * writes the figures there.
 */
import { readArguments } from '../arguments.js';
import { parseSeconds } from '../choices.js';
import { machine, nameMachine } from '../machine.js';
import { writeReport } from '../report.js';
import { KERNEL_BENCHES, kernelEngine } from './all.js';
import { measure, peaksOf } from './suite.js';
import { kernelReport, kernelSentence } from './table.js';

const { chosen, seconds, json, partial } = readArguments(
  {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
  ({ only, seconds, json }) => {
    const chosen = KERNEL_BENCHES.filter(({ name }) => name.includes(only));
    if (chosen.length === 0) throw new Error(`no kernel has "${only}" in its name`);
    return { chosen, seconds: parseSeconds(seconds), json };
  },
);

const engine = await kernelEngine();
const peaks = peaksOf(engine.build);
console.log(`${nameMachine(machine())}; ${engine.build} build`);

const measured = chosen.map((bench) => {
  const result = measure(bench, engine, peaks, seconds);
  console.log(kernelSentence(result));
  return result;
});

writeReport(
  'kernels',
  { title: `Kernels, ${engine.build} build`, command: 'npm run bench', raw: measured, ...kernelReport(measured) },
  { json, partial },
);
