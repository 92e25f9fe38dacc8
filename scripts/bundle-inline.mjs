/**
 * Bundles `dist/entry/index.js` for browsers into one file that needs no other: kernels and workers are in it. For bundlers that copy
 * nothing, and for a page that takes the library from another origin.
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const MAX_BYTES = 600_000;

/** The kernels as a module: `data:` URLs by file name. */
const KERNELS = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads', 'scalar'].map((name) => `${name}.wasm`);
const kernelsModule = `export const kernels = ${JSON.stringify(
  Object.fromEntries(
    KERNELS.map((name) => [
      name,
      `data:application/wasm;base64,${readFileSync(`${root}/build/${name}`).toString('base64')}`,
    ]),
  ),
)};`;

/** What stands for the kernels in a worker's code until it is started: they are in the file once. */
const PLACEHOLDER = 'inlined:kernels/';

/** A worker's file as a module: the URL of a copy of its code. */
function workerModule(code) {
  const text = JSON.stringify(code);
  const whole = `${text}.replace(/${PLACEHOLDER.replace('/', '\\/')}([\\w-]+\\.wasm)/g, (_, name) => kernels[name])`;
  const [imported, content] = code.includes(PLACEHOLDER)
    ? [`import { kernels } from 'inlined:kernels';`, whole]
    : ['', text];
  return `${imported}
    let url;
    export const fileUrl = () => (url ??= URL.createObjectURL(new Blob([${content}], { type: 'text/javascript' })));
  `;
}

/** The kernels in JavaScript, where they are imported by their URL: here, by their path. */
const SCRIPT = /const url = new URL\('([^']+scalar\.js)', import\.meta\.url\);\s*(.* await import\().*url\.href\)/;

const IMPORT = `import { kernels } from 'inlined:kernels';`;

/** Puts in place of the URL of a file beside the code what needs no file; `workers` are codes by path, in the page's code. */
function inlined(workers, page) {
  const load = (path) => (path === 'kernels' ? kernelsModule : workerModule(workers[path]));
  return {
    name: 'inlined',
    resolveId: (id) => (id.startsWith('inlined:') ? id : undefined),
    load: (id) => (id.startsWith('inlined:') ? load(id.slice('inlined:'.length)) : undefined),
    transform(code) {
      const imports = [];
      const replaced = code
        .replace(SCRIPT, "$2'$1')")
        .replace(/new URL\('(\.\.[^']+)', import\.meta\.url\)/g, (expression, path) => {
          if (path.endsWith('.wasm')) {
            const name = path.split('/').at(-1);
            if (!page) return `new URL('${PLACEHOLDER}${name}')`;
            if (!imports.includes(IMPORT)) imports.push(IMPORT);
            return `new URL(kernels['${name}'])`;
          }
          if (workers[path] === undefined) return expression;
          const name = `fileUrl${imports.length}`;
          imports.push(`import { fileUrl as ${name} } from 'inlined:${path}';`);
          return `${name}()`;
        });
      return replaced === code ? undefined : `${imports.join('\n')}\n${replaced}`;
    },
  };
}

async function bundle(input, workers, file) {
  const bundled = await rolldown({
    input: `${root}/dist/${input}`,
    platform: 'browser',
    plugins: [inlined(workers, file !== undefined)],
    resolve: { conditionNames: ['browser', 'import'] },
    onLog(_level, log) {
      throw new Error(log.message);
    },
  });
  const options = { format: 'esm', minify: true, comments: { legal: true }, codeSplitting: false };
  const { output } = await (file === undefined ? bundled.generate(options) : bundled.write({ ...options, file }));
  const [{ code }] = output;
  const left = code.match(/new URL\([^)]*import\.meta\.url\)/);
  if (output.length !== 1 || left)
    throw new Error(`${input} is not one file: ${left ?? output.map((o) => o.fileName)}`);
  return code;
}

const helper = { '../../engine/helper.js': await bundle('engine/helper.js', {}) };
const host = { '../../model/runners/worker/entry.js': await bundle('model/runners/worker/entry.js', helper) };
const file = `${root}/dist/inline.js`;
await bundle('entry/index.js', { ...helper, ...host }, file);
const { size } = statSync(file);
if (size > MAX_BYTES) throw new Error(`${file} has ${size} bytes`);
