/** The file of a worker that is a helper thread: small, since a model may start many. */
import { openPort } from '../platform/port.js';
import { type ThreadStart, threadMain } from './thread-main.js';

openPort((start: ThreadStart, post) => {
  threadMain(start, () => post('ready'));
  return undefined;
});
