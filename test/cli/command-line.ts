/** Runs the command line from its sources. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * The exit code and what was written, with `input` on standard input and `env` among the environment variables.
 *
 * @param node flags of Node
 */
export function run(args: string[], input = '', env = {}, node: readonly string[] = []): Promise<Ran> {
  const flags = [...node, '--import', 'tsx', '--conditions=@albert-wasm/source', 'src/entry/cli.ts'];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flags, ...args], { cwd: ROOT, env: { ...process.env, ...env } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (code) => resolve({ code, out, err }));
    // A command that refuses its arguments reads nothing.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
