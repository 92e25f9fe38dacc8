/** Where answers go: standard output, or a file that gets its name when it is complete. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { AlbertError } from '../entry/index.js';
import { printableText } from '../ground/printable.js';

export interface Sink {
  /** Resolves when its reader keeps up, so that nothing piles up in memory. */
  write(text: string): Promise<void>;
  /** Gives the file its name. */
  finish(): Promise<void>;
  /** Leaves nothing behind, if possible: what has been printed stays. */
  discard(): Promise<void>;
  /** Whether what was written stays after {@link discard}. */
  readonly lasting: boolean;
}

/** Writes a line to standard output. */
export function print(text: string): Promise<void> {
  return standardOutput.write(`${text}\n`);
}

export const standardOutput: Sink = {
  lasting: true,
  async write(text) {
    // A text, or a label of a stranger's model, must not steer the terminal. Escaped before, it stays as it is.
    const shown = process.stdout.isTTY ? text.replace(/[^\n]+/g, printableText) : text;
    if (!process.stdout.write(shown)) await once(process.stdout, 'drain');
  },
  async finish() {},
  async discard() {},
};

/** Characters that are written at once, about. */
const PIECE = 1 << 16;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A file, written under a temporary name beside it until it is complete. A file that was there before stays until then.
 *
 * @param inputs files that are read for it; standard input is one of them anyway
 * @throws ERR_INPUT for one of the inputs, or a path that is not a regular file; ERR_SOURCE for what cannot be written
 */
export function openFile(path: string, inputs: readonly (string | undefined)[]): Sink {
  const cannot = (cause: unknown) =>
    new AlbertError('ERR_SOURCE', `cannot write ${path}: ${(cause as Error).message}`, { cause });
  const there = statOf(path);
  if (path === '' || there?.isFile() === false) {
    throw new AlbertError('ERR_INPUT', `"--output" expected a regular file or a new name, got ${path}`);
  }
  for (const input of inputs) if (input !== undefined) refuseSame(there, statOf(input), path, input);
  refuseSame(there, fstatSync(0), path, 'standard input');
  // A link stays one.
  const target = there === undefined ? path : realpathSync(path);
  const temporary = `${target}.${randomUUID()}.incomplete`;
  // Calls that wait, so that no signal comes between two of them.
  const tried = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw cannot(cause);
    }
  };
  const end = (signal: NodeJS.Signals) => {
    rmSync(temporary, { force: true });
    unwatch();
    process.kill(process.pid, signal);
  };
  const unwatch = () => {
    for (const signal of SIGNALS) process.off(signal, end);
  };
  const file = tried(() => openSync(temporary, 'wx', there && there.mode & 0o777));
  for (const signal of SIGNALS) process.on(signal, end);
  let open = true;
  let piece = '';
  const flush = () => {
    tried(() => writeFileSync(file, piece));
    piece = '';
  };
  return {
    lasting: false,
    async write(text) {
      piece += text;
      if (piece.length >= PIECE) flush();
    },
    async finish() {
      flush();
      tried(() => fsyncSync(file));
      tried(() => closeSync(file));
      open = false;
      tried(() => renameSync(temporary, target));
      unwatch();
    },
    async discard() {
      if (open) closeSync(file);
      rmSync(temporary, { force: true });
      unwatch();
    },
  };
}

/** `undefined` if there is no such file, or it cannot be seen: opening it says why. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path.startsWith('file:') ? new URL(path) : path);
  } catch {
    return undefined;
  }
}

/** Refuses an input as output, also by another name or link: the answers would replace it. */
function refuseSame(there: Stats | undefined, input: Stats | undefined, path: string, name: string): void {
  if (there === undefined || there.dev !== input?.dev || there.ino !== input.ino) return;
  throw new AlbertError('ERR_INPUT', `"--output" expected another file than what is read (${name}), got ${path}`);
}
