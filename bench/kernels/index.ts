/**
 * Times every kernel and writes the report.
 *
 * `--only SUBSTRING` runs the kernels whose name holds it and prints them, `--json FILE` writes the figures there.
 */
import { parseArgs } from 'node:util';
import { Engine } from '../../src/engine/engine.js';
import { startRuntime } from '../../src/engine/runtime.js';
import { machine } from '../machine.js';
import { RegisterPeak } from '../peak.js';
import { nameMachine, rounded, writeReport } from '../report.js';
import { benches as attention } from './attention.bench.js';
import { benches as gelu } from './gelu.bench.js';
import { benches as layerNorm } from './layer-norm.bench.js';
import { benches as matmul } from './matmul.bench.js';
import { benches as softmax } from './softmax.bench.js';
import { type Measured, measure } from './suite.js';

const { values } = parseArgs({ options: { only: { type: 'string' }, json: { type: 'string' } } });
const { only = '', json } = values;

const chosen = [...matmul, ...attention, ...softmax, ...layerNorm, ...gelu].filter(({ name }) => name.includes(only));
if (chosen.length === 0) {
  console.error(`no kernel has "${only}" in its name`);
  process.exit(1);
}

const runtime = await startRuntime({ maxMemoryBytes: 2 ** 30, threads: 1 });
const engine = new Engine(runtime, { dtype: 'int8', inputs: 3072 });
const peak = new RegisterPeak(engine.build);
console.log(`${nameMachine(machine())}; ${engine.build} build`);

const measured = chosen.map((bench) => {
  const result = measure(bench, engine, peak);
  console.log(sentence(result));
  return result;
});

if (only === '' || json !== undefined) {
  writeReport(
    'kernels',
    {
      title: `Kernels, ${engine.build} build`,
      note:
        'One thread. Medians; the share is of the register peak, measured before and after each kernel. Rows whose ' +
        'processor time is well below their wall time were disturbed: run them again with `--only`.',
      rows: measured.map(row),
      raw: measured,
    },
    json,
  );
}

function row({ name, unit, milliseconds, quartiles: [low, high], figure, peak, busy }: Measured) {
  return {
    kernel: name,
    ms: rounded(milliseconds, 4),
    'quartiles, ms': `${low.toFixed(4)} – ${high.toFixed(4)}`,
    'GFLOP/s': unit === 'flop' ? rounded(figure) : '',
    'ns/element': unit === 'element' ? rounded(figure, 3) : '',
    'peak, GFLOP/s': rounded(peak),
    share: unit === 'flop' ? `${((figure / peak) * 100).toFixed(0)} %` : '',
    'cpu/wall': rounded(busy, 2),
  };
}

function sentence({ name, unit, milliseconds, figure, peak, busy }: Measured): string {
  const speed =
    unit === 'flop'
      ? `${figure.toFixed(1).padStart(6)} GFLOP/s, ${((figure / peak) * 100).toFixed(0)} % of ${peak.toFixed(1)}`
      : `${figure.toFixed(3).padStart(6)} ns an element`;
  return `${name.padEnd(32)} ${milliseconds.toFixed(4).padStart(9)} ms ${speed}; cpu/wall ${busy.toFixed(2)}`;
}
