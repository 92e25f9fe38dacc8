/**
 * Compiles `assembly/` into one `.wasm` for each target of its configurations, side by side; then writes `build/scalar.js`, the
 * scalar kernels as JavaScript.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wasmToScript } from './wasm-to-script.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const asc = `${root}/node_modules/assemblyscript/bin/asc.js`;
/** Each has the entry of its targets. */
const CONFIGS = [
  'asconfig.json',
  'assembly/scalar/asconfig.json',
  'assembly/training/asconfig.json',
  'assembly/scalar/training/asconfig.json',
];

const runs = CONFIGS.flatMap((config) =>
  Object.keys(JSON.parse(readFileSync(`${root}/${config}`, 'utf8')).targets).map((target) => ({ config, target })),
);
const codes = await Promise.all(
  runs.map(
    ({ config, target }) =>
      new Promise((resolve) => {
        const args = [asc, '--config', config, '--target', target];
        spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }).on('close', resolve);
      }),
  ),
);
if (codes.every((code) => code === 0)) {
  writeFileSync(`${root}/build/scalar.js`, wasmToScript(readFileSync(`${root}/build/scalar.wasm`)));
} else {
  process.exitCode = 1;
}
