/** Checks of what a caller has given, whose getters and proxies may throw. */
import { AlbertError, reasonOf } from './errors.js';

/** Runs a check of a caller's value. @throws ERR_INPUT for an error of the value's getters or proxies */
export function reading<T>(title: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (cause instanceof AlbertError) throw cause;
    throw new AlbertError('ERR_INPUT', `"${title}" cannot be read: ${reasonOf(cause)}`, { cause });
  }
}
