/** Compiles `assembly/` into one `.wasm` for each target of asconfig.json, side by side. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { targets } = JSON.parse(readFileSync(`${root}/asconfig.json`, 'utf8'));
const asc = `${root}/node_modules/assemblyscript/bin/asc.js`;

const codes = await Promise.all(
  Object.keys(targets).map(
    (target) =>
      new Promise((resolve) => {
        const args = [asc, '--config', 'asconfig.json', '--target', target];
        spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }).on('close', resolve);
      }),
  ),
);
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;
