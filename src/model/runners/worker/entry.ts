/** The file of a worker that holds a model. It can also be a thread's helper, so that one `workerUrl` serves both. */
import { type HelpStart, help } from '../../../engine/help.js';
import { openPort } from '../../../platform/port.js';
import { hostModel } from './host.js';
import type { ModelStart } from './messages.js';

openPort((start: ModelStart | HelpStart, post) => {
  if (start.kind === 'model') return hostModel(post);
  help(start, () => post('ready'));
  return undefined;
});
