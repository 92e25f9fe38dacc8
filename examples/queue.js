/**
 * A queue within the process: many callers add texts, one model answers them in batches, and callers wait while the queue is full.
 * A long file or a fast client therefore never fills the memory. Run as a program, it classifies the lines of standard input.
 */
import { createInterface } from 'node:readline';
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

export class Queue {
  #waiting = [];
  #running = false;
  #room = [];

  /**
   * @param answerAll answers an array of items, in order
   * @param size the maximum number of waiting items
   * @param batch the maximum number of items that are answered at once
   */
  constructor(answerAll, { size = 64, batch = 16 } = {}) {
    Object.assign(this, { answerAll, size, batch });
  }

  get waiting() {
    return this.#waiting.length;
  }

  /** Resolves when there is room for another item. This is the back-pressure: await it before each `add`. */
  async room() {
    while (this.#waiting.length >= this.size) await new Promise((resolve) => this.#room.push(resolve));
  }

  /** Returns the answer to an item. Throws if there is no room: a server would respond with 503. */
  add(item) {
    if (this.#waiting.length >= this.size) throw new Error(`${this.size} items are waiting already`);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) this.#run();
    });
  }

  async #run() {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const taken = this.#waiting.splice(0, this.batch);
      for (const proceed of this.#room.splice(0)) proceed();
      try {
        const answers = await this.answerAll(taken.map(({ item }) => item));
        for (const [i, { resolve }] of taken.entries()) resolve(answers[i]);
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#running = false;
  }
}

if (import.meta.filename === process.argv[1]) {
  const classify = await pipeline('sentiment-analysis', sst2, { dtype: 'int8', worker: true });
  const queue = new Queue((texts) => classify(texts));
  let most = 0;
  let last;
  for await (const line of createInterface({ input: process.stdin })) {
    await queue.room();
    last = queue.add(line).then(([best]) => console.log(`${best.label}\t${line}`));
    most = Math.max(most, queue.waiting);
  }
  // Answers come in the order of the lines, so the last answer is the end.
  await last;
  console.error(`at most ${most} lines waited`);
  await classify.dispose();
}
