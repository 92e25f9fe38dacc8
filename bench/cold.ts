/**
 * Cold starts of ALBERT-base: from `import` to the first output of 16 tokens, and the peak of resident memory, each in a
 * process of its own; by turns with onnxruntime-web, answers compared.
 *
 * `--only TEXT` takes the runtimes whose name has it, and with `--rounds N` (default: 9) prints them, `--json FILE` writes the
 * figures there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convert } from '../src/convert.js';
import type { Dtype } from '../src/ground/dtypes.js';
import { type TorchTensor, torchOlder, torchZip } from '../test/weights/pytorch-files.js';
import { type Albert, albertBase, albertFiles, loadAlbert, tokenIds } from './albert-base.js';
import { readArguments } from './arguments.js';
import { parseCount } from './choices.js';
import { interval, rounded } from './format.js';
import { MAX_NMSE } from './forwards.js';
import { machine, nameMachine } from './machine.js';
import { encodeAlbertOnnx } from './onnx/albert.js';
import { quantizedMatrices } from './onnx/quantized.js';
import { installPeers } from './peers/install.js';
import { writeReport } from './report.js';
import { median, nmse, quartiles } from './statistics.js';

const { rounds, only, json, partial } = readArguments(
  {
    rounds: { type: 'string', default: '9' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
  ({ rounds, ...others }) => ({ ...others, rounds: parseCount('rounds', rounds) }),
);

interface Contestant {
  readonly dtype: Dtype;
  readonly runtime: string;
  /** What the process runs. */
  readonly kind: 'albert' | 'onnx';
  readonly model: string;
}

/** What one process reports. */
interface Run {
  readonly ms: number;
  readonly peakBytes: number;
  readonly weightBytes?: number;
  readonly values: readonly number[];
}

const OURS = 'albert-wasm';

const directory = mkdtempSync(join(tmpdir(), 'albert-wasm-cold-'));
try {
  const contestants = (await prepare()).filter(({ runtime }) => runtime.includes(only));
  if (contestants.length === 0) throw new Error(`there is no runtime with "${only}" in its name`);
  const runs = new Map<Contestant | undefined, Run[]>();
  for (let round = 0; round < rounds; round++) {
    for (const contestant of [undefined, ...contestants]) {
      runs.set(contestant, [...(runs.get(contestant) ?? []), start(contestant)]);
    }
  }
  report(contestants, runs);
} finally {
  rmSync(directory, { recursive: true });
}

/** Writes the models, and names who is to run them. */
async function prepare(): Promise<Contestant[]> {
  const albert = await albertBase();
  for (const [name, content] of Object.entries(albertFiles(albert))) writeFileSync(join(directory, name), content);
  const int8 = join(directory, 'int8');
  await convert(directory, int8, { dtype: 'int8' });
  const contestants: Contestant[] = [
    { dtype: 'float32', runtime: OURS, kind: 'albert', model: directory },
    { dtype: 'int8', runtime: `${OURS}, int8 file`, kind: 'albert', model: int8 },
    { dtype: 'int8', runtime: `${OURS}, float32 file`, kind: 'albert', model: directory },
  ];
  for (const [name, bytes] of Object.entries(torchFiles(albert))) {
    const model = join(directory, name);
    mkdirSync(model);
    writeFileSync(join(model, 'config.json'), JSON.stringify(albert.config));
    writeFileSync(join(model, 'pytorch_model.bin'), bytes);
    contestants.push({ dtype: 'float32', runtime: `${OURS}, ${name}`, kind: 'albert', model });
  }
  const web = 'onnxruntime-web';
  if (!web.includes(only)) return contestants;
  // The others are hundreds of megabytes that are not run here.
  if (!existsSync(new URL(`peers/node_modules/${web}`, import.meta.url))) installPeers(/onnxruntime/);
  await using ours = await loadAlbert(albert, { dtype: 'int8' });
  for (const [dtype, options] of [
    ['float32', {}],
    ['int8', { quantized: quantizedMatrices(albert, ours) }],
  ] as const) {
    const model = join(directory, `${dtype}.onnx`);
    writeFileSync(model, encodeAlbertOnnx(albert, options));
    contestants.push({ dtype, runtime: web, kind: 'onnx', model });
  }
  return contestants;
}

/** The checkpoint as PyTorch writes it: today, before 1.6, and with the matrices that a conversion from TensorFlow transposed. */
function torchFiles({ tensors }: Albert): Record<string, Uint8Array> {
  const stored = (transposed: boolean) =>
    [...tensors].map(([name, { shape, data }], i): TorchTensor => {
      const [rows = 1, columns = 1] = shape;
      const turned = transposed && shape.length === 2 && !name.includes('embeddings');
      const values = turned
        ? Float32Array.from(data, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)] as number)
        : data.slice();
      const storage = { key: String(i), dtype: 'F32', bytes: new Uint8Array(values.buffer) } as const;
      return { name, shape, storage, ...(turned && { strides: [1, rows] }) };
    });
  return {
    'PyTorch zip': torchZip(stored(false)),
    'PyTorch older format': torchOlder(stored(false)),
    'PyTorch transposed': torchZip(stored(true)),
  };
}

/** Runs a contestant in a process of its own, or an empty Node. */
function start(contestant: Contestant | undefined): Run {
  const child = fileURLToPath(new URL('peers/cold-child.mjs', import.meta.url));
  const ids = JSON.stringify([...tokenIds({ batch: 1, seq: 16 })]);
  const { kind, model, dtype } = contestant ?? { kind: 'empty', model: '', dtype: '' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [child, kind, model, dtype, ids], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${kind} ${dtype} failed: ${stderr}`);
  return JSON.parse(stdout);
}

function report(contestants: readonly Contestant[], runs: ReadonlyMap<Contestant | undefined, readonly Run[]>): void {
  const of = (contestant: Contestant | undefined) => runs.get(contestant) ?? [];
  const empty = median(of(undefined).map(({ peakBytes }) => peakBytes));
  const reference = of(contestants[0])[0]?.values ?? [];
  const rows = contestants.map((contestant) => {
    const { dtype, runtime } = contestant;
    const error = Math.max(...of(contestant).map(({ values }) => nmse(values, reference)));
    if (!(error <= MAX_NMSE[dtype])) throw new Error(`${runtime} ${dtype} is off by ${error} of the energy`);
    const ours = contestants.find((other) => other.dtype === dtype) as Contestant;
    const ms = of(contestant).map((run) => run.ms);
    const peak = median(of(contestant).map(({ peakBytes }) => peakBytes)) - empty;
    const weightBytes = of(ours)[0]?.weightBytes ?? Number.NaN;
    return {
      dtype,
      runtime,
      'first output, ms': rounded(median(ms)),
      'quartiles, ms': interval(quartiles(ms), 1),
      'relative time': rounded(median(ms) / median(of(ours).map((run) => run.ms)), 2),
      'peak, MB': rounded(peak / 1e6),
      'times the weights': rounded(peak / weightBytes, 2),
      NMSE: error.toExponential(1),
    };
  });
  console.log(nameMachine(machine()));
  console.table(rows);
  const sentences = rows.map(
    (row) => `${row.dtype}, ${row.runtime}: ${row['first output, ms']} ms, ${row['peak, MB']} MB`,
  );
  writeReport(
    'cold',
    {
      title: 'Cold starts of ALBERT-base, 16 tokens, one thread',
      summary: `${sentences.join('; ')}.`,
      note:
        `Medians of ${rounds} processes each, by turns: from the import of the package to the first output, the files in the ` +
        `system's cache; the peak of resident memory above that of an empty Node (${rounded(empty / 1e6)} MB), and the same relative to ` +
        'our packed weights of that dtype; the share of the energy of our float32 answer that is error (NMSE).',
      command: 'npm run bench:cold',
      charts: [],
      rows,
      raw: [...runs].map(([who, all]) => ({ who, runs: all.map(({ values: _, ...figures }) => figures) })),
    },
    { json, partial },
  );
}
