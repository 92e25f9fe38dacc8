/** Programs out of the docs, run as they are written, in a project that has the packages installed. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The blocks of JavaScript in a text of Markdown. */
export function snippetsOf(text: string): string[] {
  return [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code as string);
}

/** A folder to run programs in, for as long as it is needed. */
export class Project {
  readonly folder = mkdtempSync(`${tmpdir()}/albert-wasm-docs-`);

  constructor() {
    this.link(ROOT, 'node_modules/albert-wasm');
    this.link(`${ROOT}/node_modules/@albert-wasm`, 'node_modules/@albert-wasm');
  }

  /** Links to a file or folder from a place in the project. */
  link(target: string, place: string): void {
    const path = join(this.folder, place);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
  }

  /** Runs a program. @returns what it prints */
  run(code: string): string {
    writeFileSync(`${this.folder}/program.mjs`, code);
    return execFileSync(process.execPath, ['program.mjs'], { cwd: this.folder, encoding: 'utf8' });
  }

  /** Runs a program behind another that is loaded first. @returns what it prints */
  async output(code: string, name: string, first = '', type = 'mjs'): Promise<string> {
    writeFileSync(`${this.folder}/first.mjs`, first);
    writeFileSync(`${this.folder}/${name}.${type}`, code);
    const args = ['--import', './first.mjs', `${name}.${type}`];
    try {
      return (await promisify(execFile)(process.execPath, args, { cwd: this.folder, timeout: 120_000 })).stdout;
    } catch (error) {
      // Node shows the line of the error, which may be a whole bundle.
      const lines = (error as { stderr: string }).stderr.split('\n').filter((line) => line.length < 500);
      throw new Error(lines.join('\n'), { cause: code });
    }
  }

  /**
   * Runs a program behind another that is loaded first.
   *
   * @returns the arguments of each `console.log`, after a round trip through JSON
   */
  async printed(code: string, name: string, first = ''): Promise<unknown[][]> {
    const marked = `console.log = (...values) => process.stdout.write('\\nprinted ' + JSON.stringify(values) + '\\n');`;
    const output = await this.output(code, name, `${first}\n${marked}`);
    return [...output.matchAll(/^printed (.*)$/gm)].map(([, values]) => JSON.parse(values as string));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
