/** The worker's side of `fineTune`: it reads the source's files by calls, trains, and answers with the files of the trained model. */
import { workersStartWorkers } from '#platform';
import { type Answer, Calls, type Handlers } from '../../ground/calls.js';
import { RemoteHelpers } from '../../model/runners/worker/helpers.js';
import { remoteReaders, remoteSource } from '../../model/runners/worker/source.js';
import type { Post } from '../../platform/port.js';
import { fineTuneHere } from '../fine-tune-here.js';
import type { SentRequest, SentResult } from './messages.js';

/** @returns what receives the owner's messages */
export function hostTraining(post: Post): (message: unknown) => void {
  const helpers = new RemoteHelpers(() => calls);
  const handlers = {
    ...helpers.handlers,
    async ready(): Promise<Answer> {
      return {};
    },
    async fineTune({ sourceName, settings }: SentRequest, signal: AbortSignal): Promise<Answer> {
      const origin = {
        source: remoteSource(sourceName, calls),
        readers: remoteReaders(calls),
        startHelper: workersStartWorkers ? undefined : helpers.start,
      };
      // What the owner's functions throw comes back as a fault, and ends the training.
      const stopped = new AbortController();
      const tell = (name: string) => (value: unknown) =>
        void calls.call(name, value).catch((why) => stopped.abort(why));
      signal.addEventListener('abort', () => stopped.abort(signal.reason));
      // Of an evaluation the owner receives nothing else, and silence counts as loss.
      const onEvaluation = () => tell('evaluating')(undefined);
      const events = { onProgress: tell('progress'), onLog: tell('log'), onEvaluation, signal: stopped.signal };
      const { files, ...rest } = await fineTuneHere(origin, settings, events);
      const transfer = new Set(Object.values(files).map(({ buffer }) => buffer as ArrayBuffer));
      return { value: { files, ...rest } satisfies SentResult, transfer: [...transfer] };
    },
  };
  const calls: Calls = new Calls(post, handlers as Handlers);
  return (message) => calls.receive(message);
}
