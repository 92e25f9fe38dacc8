/** What runs, how fast, and what was downloaded for it. */
import type { AlbertForSequenceClassification, ModelInfo } from 'albert-wasm';
import { ENGLISH, SST2 } from './models.js';
import { element, make, megabytes, whole } from './page.js';

/** The kernels' files, which a worker fetches: the page's own list of downloads does not have them. */
const KERNELS: Readonly<Record<string, URL>> = {
  simd: new URL('../../build/simd.wasm', import.meta.url),
  'relaxed-simd': new URL('../../build/relaxed.wasm', import.meta.url),
  'simd threads': new URL('../../build/simd-threads.wasm', import.meta.url),
  'relaxed-simd threads': new URL('../../build/relaxed-threads.wasm', import.meta.url),
};

/** Tokens of a measured forward, and how many of them are measured. */
const TOKENS = 64;
const ROUNDS = 9;

/** Measures the model, by the median of a few forwards, and shows what runs it. */
export async function showFigures(model: AlbertForSequenceClassification): Promise<void> {
  const input_ids = Array.from({ length: TOKENS }, (_, i) => 100 + i);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await model.forward({ input_ids });
    times.push(performance.now() - start);
  }
  const median = times.sort((a, b) => a - b)[ROUNDS >> 1] as number;
  const info = model.info();
  const workers = info.workers === 1 ? 'a Web Worker' : `${info.workers} Web Workers`;
  const rows = [
    ['Speed', `${whole((TOKENS / median) * 1000)} tokens per second`],
    ['Kernels', `WebAssembly, ${info.kernels}`],
    ['Threads', String(info.threads)],
    ['Data type', info.dtype],
    ['Runs in', info.workers === 0 ? 'this page' : workers],
    ['Memory', megabytes(info.memoryBytes)],
  ];
  const pairs = rows.map(([name, value]) => {
    const pair = make('div');
    pair.append(make('dt', name), make('dd', value));
    return pair;
  });
  element('figures').replaceChildren(...pairs);
  element('reasons').textContent = [info.whyNotThreaded, info.whyNoWorker].filter(Boolean).join('; ');
}

/** What a file is, by its name. */
const KINDS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\.safetensors$/, 'weights'],
  [/^tokenizer.*\.json$/, 'tokenizer'],
  [/^config.*\.json$/, 'settings'],
  [/\.wasm$/, 'kernels'],
  [/\.js$/, 'code'],
  [/\.css$/, 'style'],
  [/\.html$/, 'this page'],
];

/** Lists every file that came over the network, or from the browser's cache, with its bytes as they were stored. */
export async function showDownloads(info: ModelInfo): Promise<void> {
  const kernels = KERNELS[`${info.kernels}${info.threads > 1 && info.workers <= 1 ? ' threads' : ''}`] as URL;
  const bytes = new Map<string, number>();
  const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
  for (const { name, decodedBodySize } of entries as PerformanceResourceTiming[]) {
    if (name.startsWith('http')) bytes.set(name, Math.max(decodedBodySize, bytes.get(name) ?? 0));
  }
  bytes.set(kernels.href, (await (await fetch(kernels, { cache: 'force-cache' })).arrayBuffer()).byteLength);
  const rows = [...bytes].map(([url, size]) => {
    const file = new URL(url).pathname.split('/').at(-1) || 'index.html';
    const plain = file.replace(/-[\w-]{8}(\.\w+)$/, '$1');
    const kind = KINDS.find(([pattern]) => pattern.test(plain))?.[1] ?? '';
    const what = [kind, ...modelsOf(url)].join(', ');
    const row = make('tr');
    row.append(
      make('th', plain, { scope: 'row' }),
      make('td', what),
      make('td', whole(size), { class: 'right number' }),
    );
    return { row, size };
  });
  rows.sort((a, b) => b.size - a.size);
  element('downloads').replaceChildren(...rows.map(({ row }) => row));
  const total = rows.reduce((sum, { size }) => sum + size, 0);
  element('downloaded').textContent = `${megabytes(total)} in ${rows.length} files`;
}

/** The models that a file belongs to: both have one vocabulary. */
function modelsOf(url: string): string[] {
  return [['sentiment', SST2] as const, ['missing word', ENGLISH] as const].flatMap(([name, files]) =>
    Object.values(files).some((file) => String(file) === url) ? [name] : [],
  );
}
