/** The ground floor: the one error type that every wing throws, and the sentence it speaks in. */
import { printable } from './printable.js';

/** Stable codes: a program may branch on them, a release never renames one. */
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

  /** @param message one line, or several: each is cut at 2,000 characters, and what would act on a terminal is escaped */
  constructor(code: AlbertErrorCode, message: string | readonly string[], options?: ErrorOptions) {
    super([message].flat().map(bounded).join('\n'), options);
    this.code = code;
  }
}

/** The most of a line: what was expected may quote a file as well as what came. */
const LINE_SHOWN = 2000;

function bounded(line: string): string {
  return clip(printable(clip(line, LINE_SHOWN)), LINE_SHOWN);
}

/** The most of a title or a place that is shown: a file of strangers may have a key of a megabyte. */
const NAME_SHOWN = 400;
/** The most that is shown of what another library or a caller's function throws. */
const REASON_SHOWN = 1000;
/** The most that is shown of a value's text and of a whole value; of an array's elements, and of arrays within arrays. */
const TEXT_SHOWN = 80;
const VALUE_SHOWN = 400;
const ELEMENTS_SHOWN = 8;
const DEPTH_SHOWN = 3;

/**
 * Builds the house sentence: `"input_ids" expected ids < 30000, got 31337 at [0, 5]`.
 *
 * @param where the place of the fault, e.g. `[0, 5]` or a file name; left out when the title says it all
 */
export function mismatch(
  code: AlbertErrorCode,
  title: string,
  expected: string,
  got: unknown,
  where?: string,
  options?: ErrorOptions,
): AlbertError {
  const place = where === undefined ? '' : ` at ${clip(where, NAME_SHOWN)}`;
  return new AlbertError(code, `"${clip(title, NAME_SHOWN)}" expected ${expected}, got ${show(got)}${place}`, options);
}

/** Runs `work`; an AlbertError says the place in front: `inputs[3]: "input_ids" expected …`. */
export function within<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof AlbertError)) throw cause;
    throw new AlbertError(cause.code, `${place}: ${cause.message}`.split('\n'), { cause });
  }
}

/** Runs a check of what a caller has given. @throws ERR_INPUT for what its getters or proxies throw */
export function reading<T>(title: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (cause instanceof AlbertError) throw cause;
    throw new AlbertError('ERR_INPUT', `"${title}" cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** What an error of others says, be it an error or not. Never throws. */
export function reasonOf(error: unknown): string {
  try {
    const { message } = error as Error;
    if (typeof message === 'string' && message !== '') return clip(message, REASON_SHOWN);
  } catch {
    // It is shown as any other value.
  }
  return show(error);
}

/** Every key that options may have: the compiler misses none. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * The options of a call, an object or nothing: a copy, read once.
 *
 * @param elsewhere names that other libraries have, and what there is instead
 * @throws ERR_INPUT for an unknown option, such as a misspelt one, with the one that is meant if it is known; and for
 *   options that cannot be read
 */
export function checkOptions<T extends object>(
  options: T | undefined,
  names: OptionNames<T>,
  elsewhere: Readonly<Record<string, string>> = {},
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== 'object' || options === null) throw mismatch('ERR_INPUT', 'options', 'an object', options);
  return reading('options', () => {
    const unknown = Object.keys(options).find((key) => !Object.hasOwn(names, key));
    if (unknown !== undefined) throw unknownOption(unknown, Object.keys(names), elsewhere);
    const given = (Object.keys(names) as (keyof T)[]).filter((name) => name in options);
    return Object.fromEntries(given.map((name) => [name, options[name]])) as T;
  });
}

function unknownOption(unknown: string, names: readonly string[], elsewhere: Readonly<Record<string, string>>) {
  const meant = names.find((name) => withoutCase(name) === withoutCase(unknown));
  const instead = Object.hasOwn(elsewhere, unknown) ? elsewhere[unknown] : meant && `here ${meant}`;
  const { message } = mismatch('ERR_INPUT', 'options', `no other keys than ${names.join(', ')}`, unknown);
  return new AlbertError('ERR_INPUT', instead === undefined ? message : `${message} (${instead})`);
}

/** `cache_dir` and `cacheDir` are one name. */
function withoutCase(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** Shortens any value to something a person can read in one line. Never throws, and takes a bounded time. */
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
  // The digits of a bigint of a million would take seconds.
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
  // What a file of strangers holds may have any value under this key.
  const name: unknown = typeof value.constructor === 'function' ? value.constructor.name : undefined;
  const kind = typeof name === 'string' && name !== '' ? clip(name, TEXT_SHOWN) : 'an object';
  return ArrayBuffer.isView(value) ? `${kind} of ${(value as Uint8Array).length ?? value.byteLength}` : kind;
}

function clip(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** Throws ERR_ABORTED when the caller has cancelled; the signal's reason becomes the cause. ERR_INPUT for no signal at all. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  const isSignal = () => typeof signal?.aborted === 'boolean';
  if (signal !== undefined && !reading('signal', isSignal))
    throw mismatch('ERR_INPUT', 'signal', 'an AbortSignal', signal);
  if (signal?.aborted) throw new AlbertError('ERR_ABORTED', 'the operation was aborted', { cause: signal.reason });
}
