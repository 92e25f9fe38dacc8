/** The directories where a worker may read and write, whatever a job says. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';
import { AlbertError } from 'albert-wasm';
import { unexpected } from './check.js';
import type { PartJob } from './jobs.js';

/** A worker's roots. */
export interface Roots {
  /** Directories whose files the worker may read: lines, and models named by a path. */
  readonly input: readonly string[];
  /** Directories under which the worker may write rows. */
  readonly output: readonly string[];
  /** URLs and Hub ids that jobs may name as their model. */
  readonly models: readonly string[];
}

/** The roots that the options name. @throws ERR_INPUT for invalid options */
export function rootsOf(given: Readonly<Record<keyof Roots, unknown>>): Roots {
  const list = (title: keyof Roots, expected: string, least: number): string[] => {
    const value = given[title];
    const items: unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
    const valid = items.length >= least && items.every((item) => typeof item === 'string' && item !== '');
    if (!valid) throw unexpected(title, expected, value);
    return items as string[];
  };
  return {
    input: list('input', 'the directory, or directories, that jobs may read', 1),
    output: list('output', 'the directory, or directories, that jobs may write under', 1),
    models: list('models', 'an array of URLs and Hub ids', 0),
  };
}

/** The real path, with symbolic links resolved, of a file that a job may read. @throws ERR_INPUT outside all roots; ERR_SOURCE */
export function readable(path: string, { input }: Roots): Promise<string> {
  return within('input', path, input);
}

/** The real path of a directory that a job may write to. @throws ERR_INPUT for a path outside all roots; ERR_SOURCE */
export function writable(directory: string, { output }: Roots): Promise<string> {
  return within('output', directory, output);
}

/** The model of a part: one that the worker allows by name, or a directory that it may read. @throws ERR_INPUT, ERR_SOURCE */
export async function allowedModel({ model }: Pick<PartJob, 'model'>, roots: Roots): Promise<string | undefined> {
  if (model === undefined || roots.models.includes(model)) return model;
  if (isAbsolute(model)) return readable(model, roots);
  throw unexpected('model', 'one of the worker’s option "models", or a path under its "input"', model);
}

async function within(title: string, path: string, roots: readonly string[]): Promise<string> {
  const real = await resolved(path);
  for (const root of roots) {
    const way = relative(await resolved(root), real);
    if (way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))) return real;
  }
  throw unexpected(title, `a place under ${roots.join(' or ')}, the worker’s option "${title}"`, path);
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw new AlbertError('ERR_SOURCE', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
