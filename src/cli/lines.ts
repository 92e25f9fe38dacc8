/** Inputs from lines: of standard input or a file, plain text or JSON. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { AlbertError } from '../index.js';

/** Lines that are answered together at most. */
const MOST_LINES = 32;

/** The lines of a file or of standard input, in batches. @throws ERR_SOURCE for a file that cannot be read */
export async function* readLines(file: string | undefined): AsyncGenerator<string[]> {
  if (file === undefined) {
    yield* linesAtHand(createInterface({ input: process.stdin }));
    return;
  }
  const lines = readText(file).split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  for (let i = 0; i < lines.length; i += MOST_LINES) yield lines.slice(i, i + MOST_LINES);
}

/** A whole file. @throws ERR_SOURCE when it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AlbertError('ERR_SOURCE', `cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}

/** A line of JSON. @throws ERR_INPUT when it is none */
export function parseJson<T>(line: string): T {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new AlbertError('ERR_INPUT', `expected JSON: ${(cause as Error).message}`, { cause });
  }
}

/** A text: the line itself, or of JSON a string or an object with `text`. */
export function parseText(jsonl: boolean | undefined): (line: string) => string {
  if (!jsonl) return (line) => line;
  return (line) => {
    const value = parseJson<string | { readonly text: string } | null>(line);
    return typeof value === 'object' ? (value?.text as string) : value;
  };
}

/** Lines in batches of those that have come: no line waits for another to be answered. */
async function* linesAtHand(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  const iterator = lines[Symbol.asyncIterator]();
  let next = iterator.next();
  for (let line = await next; !line.done; line = await next) {
    const batch = [line.value];
    next = iterator.next();
    while (batch.length < MOST_LINES) {
      // A line that has come is there before the event loop's next turn.
      const more = await Promise.race([next, setImmediate(undefined)]);
      if (more === undefined || more.done) break;
      batch.push(more.value);
      next = iterator.next();
    }
    yield batch;
  }
}
