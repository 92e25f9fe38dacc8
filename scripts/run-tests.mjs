/**
 * Runs the test files with uvu and closes with `N passed, N failed, N skipped`.
 *
 * uvu is silent about a file that never calls `run()`: every file must have reported at least one test.
 *
 * Two files run at a time, in the order given, those of a folder by name.
 *
 * Usage: node scripts/run-tests.mjs [NODE_FLAG …] [FOLDER | FILE …]   (default: test)
 */
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Folders of test/ that have scripts of their own. */
const SLOW = ['adopters/', 'browser/', 'runtimes/', 'soak/', 'transformers/'];

const root = fileURLToPath(new URL('..', import.meta.url));
const given = process.argv.slice(2);
/** Flags of Node, which all tests run with. */
const flags = given.filter((word) => word.startsWith('--'));
const paths = given.filter((word) => !word.startsWith('--'));
const wanted = paths.length > 0 ? paths : ['test'];
const files = wanted.flatMap((path) =>
  statSync(`${root}/${path}`).isDirectory()
    ? readdirSync(`${root}/${path}`, { recursive: true })
        .filter(
          (name) =>
            name.endsWith('.test.ts') &&
            !name.includes('node_modules') &&
            (path !== 'test' || !SLOW.some((folder) => name.startsWith(folder))),
        )
        .map((name) => `${path.replace(/\/$/, '')}/${name}`)
        .sort()
    : [path],
);

const secondsSince = (start) => ((performance.now() - start) / 1000).toFixed(1);

/** One process a file: no test can lean on what another left behind, and both cores work. */
function runFile(file) {
  const args = [...flags, '--import', 'tsx', '--conditions=@albert-wasm/source', '--expose-gc', file];
  return new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, FORCE_COLOR: '0' } });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('close', (code) => {
      const number = (label) => Number(output.match(new RegExp(`${label}:\\s+(\\d+)`))?.[1] ?? 0);
      const [total, passed, skipped] = [number('Total'), number('Passed'), number('Skipped')];
      const crashed = code !== 0 && total === passed ? 1 : 0;
      const silent = total + skipped === 0 && crashed === 0 ? 1 : 0;
      if (silent) output += `\n${file} ran no test\n`;
      resolve({
        file,
        output,
        passed,
        skipped,
        failed: total - passed + crashed + silent,
        seconds: secondsSince(start),
      });
    });
  });
}

const results = [];
const queue = [...files];
const start = performance.now();
await Promise.all(
  Array.from({ length: 2 }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runFile(file);
      results.push(result);
      console.log(`${result.failed === 0 ? 'ok  ' : 'FAIL'} ${result.file} (${result.passed}, ${result.seconds} s)`);
      if (result.failed > 0) console.log(result.output);
      for (const [line] of result.output.matchAll(/^(skipped|cases): .*$/gm)) console.log(`     ${line}`);
    }
  }),
);

const sum = (key) => results.reduce((total, result) => total + result[key], 0);
console.log(`Node ${process.version}, ${secondsSince(start)} s`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exitCode = sum('failed') === 0 && results.length > 0 ? 0 : 1;
