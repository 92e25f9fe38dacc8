/** The file of a worker that holds a model. It can also be a helper thread, so that one `workerUrl` serves both. */
import { type ThreadStart, threadMain } from '../../../engine/thread-main.js';
import { openPort } from '../../../platform/port.js';
import { hostModel } from './host.js';
import type { ModelStart } from './messages.js';

openPort((start: ModelStart | ThreadStart, post) => {
  if (start.kind === 'model') return hostModel(post);
  threadMain(start, () => post('ready'));
  return undefined;
});
