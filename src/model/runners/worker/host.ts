/** The worker's side: it holds one model and answers calls to it. */
import { workersStartWorkers } from '#platform';
import { type Answer, Calls, type Handlers } from '../../../ground/calls.js';
import type { Post } from '../../../platform/port.js';
import type { ModelInfo, SaveOptions } from '../../options.js';
import { LocalModel } from '../local.js';
import type { Recipe } from '../runner.js';
import { RemoteHelpers } from './helpers.js';
import { buffersOf, type Made, type Ran, type SentCall, type SentRecipe } from './messages.js';
import { remoteReaders, remoteSource } from './source.js';

/** @returns what receives the owner's messages */
export function hostModel(post: Post): (message: unknown) => void {
  let model: LocalModel | undefined;
  let [info, disposed]: [ModelInfo | undefined, boolean] = [undefined, false];
  const held = (): LocalModel => {
    if (model === undefined) throw new TypeError('the worker holds no model yet');
    return model;
  };
  const helpers = new RemoteHelpers(() => calls);
  const handlers = {
    ...helpers.handlers,
    async ready(): Promise<Answer> {
      return {};
    },
    async make({ architecture, origin, options }: SentRecipe, signal: AbortSignal): Promise<Answer> {
      const recipe: Recipe = {
        architecture,
        options: workersStartWorkers ? options : { ...options, startHelper: helpers.start },
        origin:
          'config' in origin
            ? origin
            : { source: remoteSource(origin.sourceName, calls), readers: remoteReaders(calls), strict: origin.strict },
      };
      model = await LocalModel.make(recipe, signal);
      const { config, report } = model;
      info = model.info();
      return { value: { config, report, info } satisfies Made };
    },
    async run({ cancellable, ...call }: SentCall, signal: AbortSignal): Promise<Answer> {
      const fields = await held().run({ ...call, options: { ...call.options, ...(cancellable && { signal }) } });
      if (!disposed) info = held().info();
      return { value: { fields, info: info as ModelInfo } satisfies Ran, transfer: buffersOf(fields) };
    },
    async save({ directory, options }: { directory: string; options: SaveOptions }): Promise<Answer> {
      const url = directory.startsWith('file:');
      await held().save(url ? new URL(directory) : directory, options);
      return {};
    },
    async dispose(): Promise<Answer> {
      disposed = true;
      await model?.dispose();
      return {};
    },
  };
  const calls: Calls = new Calls(post, handlers as Handlers);
  return (message) => calls.receive(message);
}
