/** The file of a worker that trains. It can also be a helper thread, so that one `workerUrl` serves both. */
import { type ThreadStart, threadMain } from '../../engine/thread-main.js';
import { openPort } from '../../platform/port.js';
import { hostTraining } from './host.js';
import type { TrainingStart } from './messages.js';

openPort((start: TrainingStart | ThreadStart, post) => {
  if (start.kind === 'training') return hostTraining(post);
  threadMain(start, () => post('ready'));
  return undefined;
});
