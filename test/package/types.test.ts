/** The published types in programs that have neither the library DOM, nor @types/node, nor ESNext.Disposable; in those that have them; CommonJS. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('types and CommonJS');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
let project: string;

test.before(() => {
  project = mkdtempSync(`${tmpdir()}/albert-wasm-types-`);
  mkdirSync(`${project}/node_modules/@types`, { recursive: true });
  symlinkSync(ROOT, `${project}/node_modules/albert-wasm`);
  symlinkSync(`${ROOT}/models`, `${project}/node_modules/@albert-wasm`);
  symlinkSync(`${ROOT}/node_modules/@types/node`, `${project}/node_modules/@types/node`);
  symlinkSync(`${ROOT}/node_modules/undici-types`, `${project}/node_modules/undici-types`);
  writeFileSync(`${project}/package.json`, '{ "type": "module" }');
});

test.after(() => rmSync(project, { recursive: true }));

/** Everything that a program may name, and two mistakes that the types must notice. */
const PROGRAM = `
  import files from '@albert-wasm/albert-mini-en';
  import sst2 from '@albert-wasm/albert-mini-en-sst2';
  import * as everything from 'albert-wasm';
  import { AlbertForSequenceClassification, type PipelineOptions, pipeline, type Source } from 'albert-wasm';
  import * as inline from 'albert-wasm/inline';
  import { loadKernels } from 'albert-wasm/kernels';
  import * as shards from 'albert-wasm/shards';

  const sources: Source[] = ['path', sst2, files, { default: sst2 }, sst2['config.json']];
  const options: PipelineOptions = { dtype: 'int8', threads: 'auto' };
  const classify = await pipeline('sentiment-analysis', sources[1], options);
  const [best] = await classify('text', { top_k: 1 });
  const label: string | undefined = best?.label;
  const model = await AlbertForSequenceClassification.from_pretrained(sst2);
  const { logits } = await model.forward({ input_ids: [1, 2] });
  const numbers: Float32Array = logits.data;
  const k = await loadKernels();
  k.dispose();
  // @ts-expect-error
  await classify('text', { signal: 3 });
  // @ts-expect-error
  await pipeline('sentiment-analysis', 3);
  export { everything, inline, label, numbers, shards };
`;

/** What a program with the types of its platform may rely on. */
const WITH_PLATFORM = `
  import sst2 from '@albert-wasm/albert-mini-en-sst2';
  import { pipeline } from 'albert-wasm';
  const signal: AbortSignal = new AbortController().signal;
  const url: URL = sst2['model.safetensors'];
  const classify = await pipeline('sentiment-analysis', new URL('file:///model/'), { signal, fetch: globalThis.fetch });
  await classify('text', { signal });
  const own: typeof fetch = (input, init) => fetch(input, init);
  await pipeline('sentiment-analysis', sst2, { fetch: own });
  export { url };
`;

/** Compiles a program strictly, the declarations of the packages too. */
async function compile(
  name: string,
  code: string,
  lib: readonly string[],
  types: readonly string[] = [],
): Promise<void> {
  writeFileSync(`${project}/${name}`, code);
  const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true };
  const compilerOptions = { ...strict, module: 'nodenext', target: 'ES2022', lib, types };
  writeFileSync(`${project}/tsconfig.json`, JSON.stringify({ compilerOptions, files: [name] }));
  await run(process.execPath, [`${ROOT}/node_modules/typescript/bin/tsc`], { cwd: project }).catch(({ stdout }) => {
    throw new Error(stdout);
  });
}

test('neither DOM, nor @types/node, nor ESNext.Disposable', () => compile('bare.ts', PROGRAM, ['ES2022']));

test('the types of the platform where they are known: DOM, or @types/node', async () => {
  await compile('dom.ts', WITH_PLATFORM, ['ES2022', 'DOM']);
  await compile('node.ts', WITH_PLATFORM, ['ES2022'], ['node']);
});

test('`await using` with ESNext.Disposable', () =>
  compile(
    'using.ts',
    `import { pipeline } from 'albert-wasm';
     await using classify = await pipeline('fill-mask');
     export { classify };`,
    ['ES2022', 'ESNext.Disposable', 'DOM'],
  ));

const REQUIRE = `
  const { pipeline } = require('albert-wasm');
  const sst2 = require('@albert-wasm/albert-mini-en-sst2');
  pipeline('sentiment-analysis', sst2)
    .then((classify) => classify('What a lovely day'))
    .then(([best]) => console.log(best.label));
`;

test('`require` of library and model, whose module is a source', async () => {
  writeFileSync(`${project}/program.cjs`, REQUIRE);
  const { stdout } = await run(process.execPath, ['program.cjs'], { cwd: project });
  assert.is(stdout, 'POSITIVE\n');
});

test('the same in TypeScript', () =>
  compile(
    'program.cts',
    `import albert = require('albert-wasm');
     import sst2 = require('@albert-wasm/albert-mini-en-sst2');
     const loading: Promise<albert.Pipelines['fill-mask']> = albert.pipeline('fill-mask', sst2);
     export = loading;`,
    ['ES2022'],
  ));

test.run();
