/** Errors and notices on standard error, escaped, so that strangers' text does not control the terminal. */
import { printable } from '../ground/printable.js';

/** Writes lines to standard error. */
export function complain(text: string): void {
  process.stderr.write(`${text.split('\n').map(printable).join('\n')}\n`);
}
