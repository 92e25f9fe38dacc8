/** The benches in a page: kernels, then whole forwards, a row of the table each; `window.benched` holds what was measured. */
import type { Build } from '../../src/engine/kernels.js';
import type { AlbertModel } from '../../src/model/models.js';
import { albertBase, loadAlbert, nameShape, parseShape } from '../albert-base.js';
import { SHAPES } from '../choices.js';
import type { Row } from '../format.js';
import { forwardRow, forwardSentence, lastHiddenState, type MeasuredForward, measureForwards } from '../forwards.js';
import { KERNEL_BENCHES, kernelEngine } from '../kernels/all.js';
import { type Measured, measure, peaksOf } from '../kernels/suite.js';
import { kernelRow, kernelSentence } from '../kernels/table.js';

/** What a run of the page leaves behind for its driver. */
export interface Benched {
  readonly build: Build;
  readonly kernels: readonly Measured[];
  readonly forwards: readonly MeasuredForward[];
  /** What went wrong, if anything did. */
  readonly error?: string;
}

declare global {
  interface Window {
    benched?: Benched;
  }
}

const parameters = new URLSearchParams(location.search);
const only = parameters.get('only') ?? '';
const seconds = Number(parameters.get('seconds') ?? 1);

const state = document.querySelector('#state') as HTMLElement;
const table = document.querySelector('#rows') as HTMLElement;

/** Says what runs next and lets the page show it. */
async function announce(name: string): Promise<void> {
  state.textContent = `running ${name} …`;
  await new Promise((resolve) => setTimeout(resolve, 20));
}

function show(name: string, { ms, 'quartiles, ms': quartiles, 'Gop/s': rate, 'peak, Gop/s': peak, share }: Row): void {
  const row = document.createElement('tr');
  for (const content of [name, ms, quartiles, rate, peak, share]) {
    row.appendChild(document.createElement('td')).textContent = String(content);
  }
  table.append(row);
}

async function runKernels(): Promise<{ build: Build; kernels: Measured[] }> {
  const engine = await kernelEngine();
  const peaks = peaksOf(engine.build);
  const kernels: Measured[] = [];
  for (const bench of KERNEL_BENCHES.filter(({ name }) => name.includes(only))) {
    await announce(bench.name);
    const measured = measure(bench, engine, peaks, seconds);
    kernels.push(measured);
    show(bench.name, kernelRow(measured));
    console.log(kernelSentence(measured));
  }
  return { build: engine.build, kernels };
}

async function runForwards(build: Build): Promise<MeasuredForward[]> {
  const wanted = (['float32', 'int8'] as const).flatMap((dtype) =>
    SHAPES.map((shape) => ({ name: `forward ${shape} ${dtype}`, dtype, shape: parseShape(shape) })),
  );
  const chosen = wanted.filter(({ name }) => name.includes(only));
  if (chosen.length === 0) return [];
  await announce('ALBERT-base');
  const albert = await albertBase();
  const models: Record<string, AlbertModel> = { float32: await loadAlbert(albert) };
  const peaks = peaksOf(build);
  const forwards: MeasuredForward[] = [];
  for (const { name, dtype, shape } of chosen) {
    await announce(name);
    const model = (models[dtype] ??= await loadAlbert(albert, { dtype }));
    const expected = await lastHiddenState(models.float32 as AlbertModel, shape);
    const rounds = { warmups: 2, rounds: 5, seconds: 8 * seconds };
    const [measured] = await measureForwards([model], shape, expected, peaks[dtype], rounds);
    if (measured === undefined) throw new Error('nothing was measured');
    forwards.push(measured);
    show(`forward ${nameShape(shape)} ${dtype}`, forwardRow(measured));
    console.log(forwardSentence(measured));
  }
  return forwards;
}

try {
  const { build, kernels } = await runKernels();
  window.benched = { build, kernels, forwards: await runForwards(build) };
  state.textContent = `done: ${build} build, ${navigator.userAgent}`;
} catch (error) {
  window.benched = { build: 'simd', kernels: [], forwards: [], error: String(error) };
  state.textContent = String(error);
}
