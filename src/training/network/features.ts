/** The encoder's output for each text, computed once: while nothing before the head is trained, it stays the same. */
import { type LinearMemory, type Matrix, rowsOf } from '../../engine/memory.js';
import type { Architecture } from '../../model/architecture.js';
import type { CheckedInputs } from '../../model/inputs.js';

/** The heads that read the first token of each text, and no other. */
const OF_FIRST_TOKENS: readonly Architecture[] = ['AlbertForSequenceClassification', 'AlbertForMultipleChoice'];

/** Bytes of an entry beside its numbers and its key, about. */
const ENTRY_BYTES = 200;

export class Features {
  readonly #kept = new Map<string, Float32Array>();
  readonly #firstOnly: boolean;
  #left: number;

  /** @param maxBytes of JavaScript's memory; when they are full, the texts that come first stay */
  constructor(architecture: Architecture, maxBytes: number) {
    this.#firstOnly = OF_FIRST_TOKENS.includes(architecture);
    this.#left = maxBytes;
  }

  /** hidden = what was kept, if that is so for every text. @returns whether it is */
  read(memory: LinearMemory, inputs: readonly CheckedInputs[], hidden: Matrix): boolean {
    const found = inputs.map((input) => this.#kept.get(keyOf(input)));
    if (found.includes(undefined)) return false;
    for (const [i, rows] of this.#rows(inputs, hidden).entries()) memory.write(rows, found[i] as Float32Array);
    return true;
  }

  /** Keeps what fits. */
  write(memory: LinearMemory, inputs: readonly CheckedInputs[], hidden: Matrix): void {
    for (const [i, rows] of this.#rows(inputs, hidden).entries()) {
      const key = keyOf(inputs[i] as CheckedInputs);
      const bytes = rows.rows * rows.cols * 4 + key.length * 2 + ENTRY_BYTES;
      if (this.#kept.has(key) || bytes > this.#left) continue;
      this.#left -= bytes;
      this.#kept.set(key, memory.read(rows));
    }
  }

  /** The rows of each input that the head reads; of several sequences, a matrix whose rows are as far apart as they begin. */
  #rows(inputs: readonly CheckedInputs[], hidden: Matrix): Matrix[] {
    let from = 0;
    return inputs.map(({ batch, seq }) => {
      const rows = rowsOf(hidden, from, from + batch * seq);
      from += batch * seq;
      return this.#firstOnly ? { ...rows, rows: batch, stride: rows.stride * seq } : rows;
    });
  }
}

/** All that an output depends on. */
function keyOf({ batch, seq, ids, mask, types, positions }: CheckedInputs): string {
  return [batch, seq, ids.join(), mask.join(''), types.join(), positions.join()].join(' ');
}
