/** A line on a terminal that shows how far something has come: the files of a load, the steps of a training. */
import type { LoadProgress } from '../entry/index.js';
import { printable } from '../ground/printable.js';

/** What a terminal offers; `process.stderr` is one. */
export interface Terminal {
  readonly columns?: number;
  write(text: string): unknown;
}

const WIDTH = 24;

export class ProgressBar {
  readonly #terminal: Terminal;
  #shown = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Shows a download; files read from disk are too quick to be seen. */
  show({ stage, file, loaded, total }: Omit<LoadProgress, 'progress' | 'overall'>): void {
    if (stage !== 'download') return;
    const sizes = total === undefined ? megabytes(loaded) : `${megabytes(loaded)} of ${megabytes(total)}`;
    this.showLine(total === undefined ? undefined : loaded / Math.max(1, total), `${sizes}  ${printable(file)}`);
  }

  /**
   * Shows a line.
   *
   * @param share how much is done, from 0 to 1; `undefined`: unknown, and no bar
   * @param text in printable characters
   */
  showLine(share: number | undefined, text: string): void {
    const bar = share === undefined ? '' : `${'█'.repeat(Math.floor(WIDTH * share)).padEnd(WIDTH, '░')}  `;
    // A terminal that does not know its width has 0 columns.
    const line = `${bar}${text}`.slice(0, (this.#terminal.columns || 80) - 1);
    // Of the thousands of chunks only those that change the line.
    if (line === this.#shown) return;
    this.#shown = line;
    this.#terminal.write(`\r\x1b[K${line}`);
  }

  /** Leaves the terminal as it was. */
  clear(): void {
    if (this.#shown !== '') this.#terminal.write('\r\x1b[K');
    this.#shown = '';
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
