/** Every program of the pages that has no test of its own runs as it is written there, in a project that has the packages installed. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type HubFile, TestHub } from '../hub/server.js';
import { randomFiles } from '../pipelines/checkpoint.js';
import { Project, snippetsOf } from './snippets.js';

const test = suite('programs of the docs');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What each program of a page prints. */
const PRINTED: Readonly<Record<string, readonly RegExp[]>> = {
  'docs/model-classes.md': [
    /^\[ \[ -\d.*\[ 1, 8, \d+, \d+ \]/s,
    /^\[\s+\[ -[\d.]+, [\d.]+ \],\s+\[ [\d.]+, -[\d.]+ \]\s+\]\n\[\s+\[ \[ -[\d.]+, [\d.]+ \] \],\s+\[ \[ [\d.]+, -/,
    /^\[ 100, 16 \]\n.*initialized.*weightBytes/s,
  ],
  'docs/supported.md': [/^\[ 1, 4, 16000 \] \[ 1, 2 \]\n$/],
  'docs/hub.md': [/model\.safetensors 100 100\n.*\n?\d+\n$/s],
  'docs/checkpoints.md': [/format: 'safetensors'/, /^safetensors\n$/],
  'docs/tokenizers.md': [/^\[ 2, .*, 3 \].*what a lovely day\n$/s, /^$/, /^$/],
  'docs/threads.md': [/label: 'POSITIVE'.*threads: 2.*workers: 1/s],
  'docs/batches.md': [
    /^2 of 2\n\[ 'POSITIVE', 'NEGATIVE' \]\n$/,
    /text: 'A lovely film.'.*label: 'POSITIVE'.*text: 'A dreadful film.'.*NEGATIVE.*code: 'ERR_INPUT'/s,
  ],
  'docs/training.md': [
    /^\[ 'delivery', 'payment' \]\n$/,
    /^1 of 2, loss [\d.]+\n2 of 2, loss [\d.]+\npraise, after 2 steps\n$/,
    /^0\.\d+ \[ 2, 512 \]\n0 [\d.]+ [\d.]+\n1 .*\n2 .*\n3 .*\n4\n$/,
  ],
  'docs/errors.md': [/^ERR_INPUT "input_ids" expected ids from 0 to 15999, got 31337 at \[0, 5\]\n$/],
  'docs/exactness.md': [/^(simd|relaxed-simd|scalar)\n$/],
  'docs/int8-format.md': [/^int8\n$/],
  'docs/comparison.md': [/label: 'POSITIVE'/],
  'docs/browsers.md': [/^POSITIVE 99\.8 %\n$/, /^POSITIVE\n$/],
  'docs/bundlers.md': [/label: 'POSITIVE', score: 0\.998/],
  'docs/kernels.md': [/Float32Array\(10\) \[[^\]]+\] 393216\n$/, /^32 /],
  'models/albert-mini-en/README.md': [/^table\n$/],
  'models/albert-mini-en-ner/README.md': [/^PER Clara Schumann\nLOC Leipzig\n$/],
  'models/albert-mini-en-sst2/README.md': [/label: 'POSITIVE', score: 0\.998/],
  'models/albert-mini-en-sts/README.md': [/^\[ 0\.28\d+, 0\.00\d+ \]\n$/],
};

/** Pages whose programs a test of their own runs. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'README.md': 'test/docs/readme.test.ts',
  'docs/tasks.md': 'test/docs/tasks.test.ts',
  'docs/migrating-from-transformers-js.md': 'test/docs/migrating.test.ts',
  'packages/queue/README.md': 'test/queue/queue.test.ts',
};

/** The lines before a program: a server that has the models of this repository, and the body of a page. */
const PAGE = `
  import { existsSync, readFileSync } from 'node:fs';
  const { fetch: real } = globalThis;
  globalThis.fetch = async (url, options) => {
    const { origin, pathname } = new URL(url);
    if (origin !== 'https://example.org') return real(url, options);
    const file = '${ROOT}/models' + pathname.replace('/model/', '/albert-mini-en-sst2/');
    return existsSync(file) ? new Response(readFileSync(file)) : new Response('', { status: 404 });
  };
  globalThis.document = { body: {} };
  globalThis.location = { href: 'https://example.org/' };
  process.on('exit', () => document.body.textContent && console.log(document.body.textContent));
`;

/** The same, and a Hub that has one repository under each name. */
function before(hub: TestHub, home: string): string {
  return `${PAGE}
    Object.assign(process.env, { HF_ENDPOINT: '${hub.endpoint}', HF_HOME: '${home}' });
    const served = globalThis.fetch;
    const NAMES = /\\/(albert\\/albert-base-v2|me\\/my-hindi-albert)\\//;
    globalThis.fetch = (url, options) => served(String(url).replace(NAMES, '/owner/name/'), options);
  `;
}

const texts = new Map<string, string>();
for (const folder of ['docs', 'models', 'packages']) {
  for (const name of readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: 'utf8' })) {
    const page = `${folder}/${name}`;
    if (name.endsWith('.md') && !/node_modules|^api\//.test(name))
      texts.set(page, readFileSync(`${ROOT}/${page}`, 'utf8'));
  }
}
for (const page of [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'examples/README.md',
])
  texts.set(page, readFileSync(`${ROOT}/${page}`, 'utf8'));

test('every page with programs is known', () => {
  for (const [page, text] of texts) {
    if (page in ELSEWHERE) continue;
    assert.is(snippetsOf(text).length, PRINTED[page]?.length ?? 0, page);
  }
});

test('each program runs, and prints what belongs to it', async () => {
  const labels = { id2label: { 0: 'O', 1: 'B-PER', 2: 'I-PER' } };
  const repository = Object.entries(await randomFiles('token_classification', labels));
  const files = new Map<string, HubFile>(
    repository.map(([name, content]) => [
      name,
      { bytes: Buffer.from(content as string), lfs: name.endsWith('tensors') },
    ]),
  );
  const hub = await TestHub.start(files);
  const project = new Project();
  try {
    const { 'tokenizer.json': _, ...untold } = await randomFiles('sequence_classification');
    for (const [folder, content] of Object.entries({
      'my-checkpoint': await randomFiles('model'),
      'fine-tuned': untold,
    }))
      for (const [file, bytes] of Object.entries(content)) {
        const path = `${project.folder}/${folder}/${file}`;
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes as string);
      }
    const first = before(hub, `${project.folder}/home`);
    const programs = Object.entries(PRINTED).flatMap(([page, expected]) =>
      snippetsOf(texts.get(page) as string).map((code, i) => ({
        name: `${page}, program ${i}`,
        code,
        expected: expected[i],
      })),
    );
    const runNext = async (id: string): Promise<void> => {
      for (let next = programs.shift(); next !== undefined; next = programs.shift()) {
        const printed = await project.output(next.code, id, first);
        assert.match(printed, next.expected as RegExp, `${next.name} printed ${printed.slice(0, 1500)}`);
      }
    };
    await Promise.all(['one', 'two'].map(runNext));
  } finally {
    project.remove();
    hub.close();
  }
});

test('a program with an installed model fetches nothing: no fetch, no connection', async () => {
  const first = `
    import { Socket } from 'node:net';
    globalThis.fetch = Socket.prototype.connect = () => console.log('asked a server');
  `;
  const code = `
    import { pipeline } from 'albert-wasm';
    for (const task of ['sentiment-analysis', 'fill-mask']) {
      const run = await pipeline(task, undefined, { threads: 2, worker: true });
      console.log((await run('What a [MASK]')).length);
      await run.dispose();
    }
  `;
  const project = new Project();
  try {
    assert.is(await project.output(code, 'program', first), '1\n1\n');
  } finally {
    project.remove();
  }
});

test('docs/bundlers.md: the program of CommonJS, and the one for esbuild', async () => {
  const page = texts.get('docs/bundlers.md') as string;
  const block = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] as string;
  const project = new Project();
  try {
    assert.match(await project.output(block('cjs'), 'program', '', 'cjs'), /label: 'POSITIVE', score: 0\.998/);
    const printed = `${block('js esbuild')}\nconsole.log(await classify('What a lovely day'));`;
    assert.match(await project.output(printed, 'program', PAGE), /label: 'POSITIVE'/);
  } finally {
    project.remove();
  }
});

test.run();
