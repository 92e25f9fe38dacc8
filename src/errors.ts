/** The ground floor: the one error type that every wing throws, and the sentence it speaks in. */

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

  constructor(code: AlbertErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

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
  const place = where === undefined ? '' : ` at ${where}`;
  return new AlbertError(code, `"${title}" expected ${expected}, got ${show(got)}${place}`, options);
}

/** Runs `work`; an AlbertError says the place in front: `inputs[3]: "input_ids" expected …`. */
export function within<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof AlbertError)) throw cause;
    throw new AlbertError(cause.code, `${place}: ${cause.message}`, { cause });
  }
}

/** Every key that options may have: the compiler misses none. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * The options of a call: an object, or nothing.
 *
 * @param elsewhere names that other libraries have, and what there is instead
 * @throws ERR_INPUT for a key that is no option, such as a misspelt one, with the one that is meant where that is known
 */
export function checkOptions<T extends object>(
  options: T | undefined,
  names: OptionNames<T>,
  elsewhere: Readonly<Record<string, string>> = {},
): T {
  if (options === undefined) return {} as T;
  if (typeof options !== 'object' || options === null) throw mismatch('ERR_INPUT', 'options', 'an object', options);
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(names, key));
  if (unknown === undefined) return options;
  const meant = Object.keys(names).find((name) => withoutCase(name) === withoutCase(unknown));
  const instead = Object.hasOwn(elsewhere, unknown) ? elsewhere[unknown] : meant && `here ${meant}`;
  const { message } = mismatch('ERR_INPUT', 'options', `no other keys than ${Object.keys(names).join(', ')}`, unknown);
  throw new AlbertError('ERR_INPUT', instead === undefined ? message : `${message} (${instead})`);
}

/** `cache_dir` and `cacheDir` are one name. */
function withoutCase(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

/** Shortens any value to something a person can read in one line. */
function show(value: unknown): string {
  if (typeof value === 'string')
    return value.length > 80 ? `${JSON.stringify(value.slice(0, 80))}…` : JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value))
    return value.length > 8 ? `[${value.slice(0, 8).map(show).join(', ')}, …]` : `[${value.map(show).join(', ')}]`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${(value as Uint8Array).length}`;
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object';
  return String(value);
}

/** Throws ERR_ABORTED when the caller has cancelled; the signal's reason becomes the cause. ERR_INPUT for no signal at all. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal !== undefined && typeof signal?.aborted !== 'boolean') {
    throw mismatch('ERR_INPUT', 'signal', 'an AbortSignal', signal);
  }
  if (signal?.aborted) throw new AlbertError('ERR_ABORTED', 'the operation was aborted', { cause: signal.reason });
}
