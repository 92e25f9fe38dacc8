/** Planted faults in what lies between a model and the worker that holds it. */

/** @typedef {import('../run-mutations.mjs').Mutation} Mutation */

const MODELS = ['test/model/worker.test.ts'];
const FAULTS = ['test/faults/workers.test.ts'];

/** @type {Mutation[]} */
export const WORKERS = [
  {
    what: 'a lost worker is not told of',
    file: 'src/model/runners/worker/link.ts',
    search: 'this.#calls.fail(this.#error(why));',
    replace: '',
    tests: FAULTS,
  },
  {
    what: 'a silent worker is waited for',
    file: 'src/model/runners/worker/link.ts',
    search: 'new Silence((ms) => this.#lose(`it was silent for',
    replace: 'new Silence((ms) => void (`it was silent for',
    tests: FAULTS,
  },
  {
    what: 'the timer of an answered call runs on',
    file: 'src/model/runners/worker/link.ts',
    search: 'if (this.#waiting.size === 0 || this.#owed > 0 || this.#lost !== undefined) return;',
    replace: 'if (this.#owed > 0 || this.#lost !== undefined) return;',
    tests: [...FAULTS, ...MODELS],
  },
  {
    what: 'an invalid message is thrown at the page',
    file: 'src/model/runners/worker/link.ts',
    search: 'this.#lose(`it sent what is no message',
    replace: 'if (error) throw error;\n      this.#lose(`it sent what is no message',
    tests: FAULTS,
  },
  {
    what: 'a worker whose model cannot be made is left running',
    file: 'src/model/runners/worker/remote.ts',
    search: `  } catch (error) {
    await link.end();
    throwIfAborted(signal);`,
    replace: `  } catch (error) {
    throwIfAborted(signal);`,
    tests: [...FAULTS, ...MODELS],
  },
  {
    what: 'a lost worker is not replaced',
    file: 'src/model/runners/worker/remote.ts',
    search: 'if (this.#link.lost === undefined) return this.#link;',
    replace: 'return this.#link;',
    tests: FAULTS,
  },
  {
    what: 'a disposed model leaves its worker running',
    file: 'src/model/runners/worker/remote.ts',
    search: `    await Promise.all(this.#calls);
    await this.#link.end();`,
    replace: '    await Promise.all(this.#calls);',
    tests: MODELS,
  },
  {
    what: 'the signal is not heard in the worker',
    file: 'src/model/runners/worker/host.ts',
    search: '...(cancellable && { signal })',
    replace: '',
    tests: MODELS,
  },
  {
    what: 'the reason of an abort is lost on the way',
    file: 'src/model/runners/worker/remote.ts',
    search: `      // The reason stays on this side.
      throwIfAborted(signal);`,
    replace: '',
    tests: MODELS,
  },
  {
    what: "the caller's own error comes out as a likeness",
    file: 'src/model/runners/worker/remote.ts',
    search: 'throw served?.fault ?? error;',
    replace: 'throw error;',
    tests: MODELS,
  },
  {
    what: "the caller's bytes are given away",
    file: 'src/model/runners/worker/source.ts',
    search: 'if (from instanceof Uint8Array) own.set(from.subarray(begin, end));',
    replace:
      'if (from instanceof Uint8Array) return { value: from.subarray(begin, end), transfer: [from.buffer as ArrayBuffer] };',
    tests: MODELS,
  },
  {
    what: 'shares come back in the order in which they were given out',
    file: 'src/model/runners/worker/shares.ts',
    search: 'all[i] = outputs[share]?.[index] as Fields;',
    replace: 'all.push(outputs[share]?.[index] as Fields);',
    tests: ['test/model/shares.test.ts'],
  },
  {
    what: 'each part of a batch has the masks of the first',
    file: 'src/model/runners/worker/shares.ts',
    search: 'ids: rows(input.ids),',
    replace: 'ids: input.ids.slice(0, (to - from) * sequences * seq),',
    tests: ['test/model/shares.test.ts'],
  },
  {
    what: 'dropout is shared out',
    file: 'src/model/runners/worker/shares.ts',
    search: 'if (only === undefined || options.train)',
    replace: 'if (only === undefined)',
    tests: ['test/model/shares.test.ts'],
  },
  {
    what: 'an error in a worker has no code',
    file: 'src/ground/calls.ts',
    search:
      "code === undefined ? Object.assign(new Error(message), { name }) : new AlbertError(code, message.split('\\n'))",
    replace: 'Object.assign(new Error(message), { name })',
    tests: ['test/ground/calls.test.ts'],
  },
  {
    what: 'calls wait for ever for a worker that is gone',
    file: 'src/ground/calls.ts',
    search: 'for (const id of this.#pending.keys()) this.#take(id)?.reject(error);',
    replace: 'for (const id of this.#pending.keys()) void [this.#take(id), error];',
    tests: ['test/ground/calls.test.ts'],
  },
  {
    what: 'an abort stops another call',
    file: 'src/ground/calls.ts',
    search: 'const abort = () => this.#post({ abort: id });',
    replace: 'const abort = () => this.#post({ abort: id + 1 });',
    tests: ['test/ground/calls.test.ts'],
  },
];
