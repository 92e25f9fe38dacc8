/** The file of a worker that helps a model: small, since a model may start many. */
import { openPort } from '../platform/port.js';
import { type HelpStart, help } from './help.js';

openPort((start: HelpStart, post) => {
  help(start, () => post('ready'));
  return undefined;
});
