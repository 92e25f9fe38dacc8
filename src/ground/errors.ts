/** The error type of the library, the sentences of its messages, and checks of options and signals. */
import { printable } from './printable.js';

/** Stable codes: programs may branch on them; no release renames one. */
export type AlbertErrorCode =
  | 'ERR_INPUT'
  | 'ERR_TOO_LONG'
  | 'ERR_CONFIG'
  | 'ERR_CHECKPOINT'
  | 'ERR_PARAMETER'
  | 'ERR_TOKENIZER'
  | 'ERR_SOURCE'
  | 'ERR_MEMORY'
  | 'ERR_WORKER'
  | 'ERR_DISPOSED'
  | 'ERR_ABORTED'
  | 'ERR_ENVIRONMENT'
  | 'ERR_INTERNAL';

/** Every failure of this library. `code` is for programs, `message` for people. */
export class AlbertError extends Error {
  override readonly name = 'AlbertError';
  readonly code: AlbertErrorCode;

  /** @param message one or several lines; each is cut at 2,000 characters, and characters that act on a terminal are escaped */
  constructor(code: AlbertErrorCode, message: string | readonly string[], options?: ErrorOptions) {
    super([message].flat().map(bounded).join('\n'), options);
    this.code = code;
  }
}

/** Characters of a line, at most: both what was expected and what came may quote a file. */
const LINE_SHOWN = 2000;

function bounded(line: string): string {
  return clip(printable(clip(line, LINE_SHOWN)), LINE_SHOWN);
}

/** Characters of a title or a location, at most: an untrusted file may have a key of a megabyte. */
const NAME_SHOWN = 400;

/** Characters of the message of another library's or a caller's error, at most. */
const REASON_SHOWN = 1000;

/** At most: characters of a string, characters of a whole value, elements of an array, levels of nested arrays. */
const TEXT_SHOWN = 80;

const VALUE_SHOWN = 400;

const ELEMENTS_SHOWN = 8;

const DEPTH_SHOWN = 3;

/**
 * Builds the library's error sentence: `"input_ids" expected ids < 30000, got 31337 at [0, 5]`.
 *
 * @param where the location of the fault, such as `[0, 5]` or a file name; default: none
 */
export function mismatch(
  code: AlbertErrorCode,
  title: string,
  expected: string,
  got: unknown,
  where?: string,
  options?: ErrorOptions,
): AlbertError {
  const location = where === undefined ? '' : ` at ${clip(where, NAME_SHOWN)}`;
  return new AlbertError(
    code,
    `"${clip(title, NAME_SHOWN)}" expected ${expected}, got ${show(got)}${location}`,
    options,
  );
}

/** Runs `work`; an AlbertError gets the location in front of its message: `inputs[3]: "input_ids" expected …`. */
export function within<T>(location: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof AlbertError)) throw cause;
    throw new AlbertError(cause.code, `${location}: ${cause.message}`.split('\n'), { cause });
  }
}

/** The message of a thrown value, which may be anything. Never throws. */
export function reasonOf(error: unknown): string {
  try {
    const { message } = error as Error;
    if (typeof message === 'string' && message !== '') return clip(message, REASON_SHOWN);
  } catch {
    // It is shown like any other value.
  }
  return show(error);
}

/** Any value in one short, readable line. Never throws, and takes a bounded time. */
export function show(value: unknown): string {
  try {
    return clip(shown(value, 0), VALUE_SHOWN);
  } catch {
    return 'a value that cannot be read';
  }
}

function shown(value: unknown, depth: number): string {
  if (typeof value === 'string') {
    const text = JSON.stringify(value.slice(0, TEXT_SHOWN));
    return value.length > TEXT_SHOWN ? `${text}…` : text;
  }
  // A bigint of a million digits would take seconds.
  if (typeof value === 'bigint') return BigInt.asIntN(256, value) === value ? `${value}n` : 'a bigint beyond 256 bits';
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) {
    if (depth === DEPTH_SHOWN) return '[…]';
    const parts: string[] = [];
    for (let i = 0; i < Math.min(value.length, ELEMENTS_SHOWN); i++) parts.push(shown(value[i], depth + 1));
    if (value.length > ELEMENTS_SHOWN) parts.push('…');
    return `[${parts.join(', ')}]`;
  }
  if (typeof value !== 'object' || value === null) return String(value);
  // An object from an untrusted file may have any value under this key.
  const name: unknown = typeof value.constructor === 'function' ? value.constructor.name : undefined;
  const kind = typeof name === 'string' && name !== '' ? clip(name, TEXT_SHOWN) : 'an object';
  return ArrayBuffer.isView(value) ? `${kind} of ${(value as Uint8Array).length ?? value.byteLength}` : kind;
}

function clip(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
