/** The options of a call: copied, read once, and refused if they are unknown. */
import { reading } from './checks.js';
import { AlbertError, mismatch } from './errors.js';

/** Every key that options may have; the compiler checks that none is missing. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * Reads the options of a call once, and returns a copy; `undefined` gives empty options.
 *
 * @param elsewhere other libraries' names for options, each with what to use here
 * @throws ERR_INPUT for an unknown option, such as a misspelt one, with the intended one if there is a guess; and for
 *   options that cannot be read
 */
export function checkOptions<T extends object>(
  options: T | undefined,
  names: OptionNames<T>,
  elsewhere: Readonly<Record<string, string>> = {},
): T {
  if (options === undefined) return {} as T;
  return reading('options', () => {
    if (typeof options !== 'object' || options === null || Array.isArray(options))
      throw mismatch('ERR_INPUT', 'options', 'an object', options);
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

/** `cache_dir` and `cacheDir` become the same name. */
function withoutCase(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}
