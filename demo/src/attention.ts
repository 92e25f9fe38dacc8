/** The attention of one layer and head: a map of squares, its values to be read by pointer or keyboard. */
import { element, make, percent } from './page.js';
import type { Reading } from './sentiment.js';

/** The choice of all heads: their mean. */
const ALL = 'all';

/** What is shown first, counted from 0: a head that attends to the previous token. */
const FIRST = { layer: 1, head: 0 };

export class AttentionMap {
  readonly #map = element('map');
  readonly #readout = element('readout');
  #reading: Reading | undefined;
  #layer = FIRST.layer;
  #head: number | typeof ALL = FIRST.head;
  /** What the map shows, row by row, (seq, seq). */
  #values: Float32Array = new Float32Array(0);
  /** The cell that Tab reaches. */
  #cursor: readonly [row: number, column: number] = [1, 1];

  constructor(layers: number, heads: number) {
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1));
    choices('layers', numbers(layers), String(FIRST.layer + 1), (choice) => {
      this.#layer = Number(choice) - 1;
      this.#draw();
    });
    choices('heads', [ALL, ...numbers(heads)], String(FIRST.head + 1), (choice) => {
      this.#head = choice === ALL ? ALL : Number(choice) - 1;
      this.#draw();
    });
    this.#map.addEventListener('pointerover', ({ target }) => this.#point(target));
    this.#map.addEventListener('pointerdown', ({ target }) => this.#point(target));
    this.#map.addEventListener('focusin', ({ target }) => this.#point(target));
    this.#map.addEventListener('keydown', (event) => this.#move(event));
  }

  show(reading: Reading): void {
    const rebuild = reading.tokens.join('\0') !== this.#reading?.tokens.join('\0');
    this.#reading = reading;
    if (rebuild) this.#build(reading.tokens);
    this.#draw();
  }

  /** Lays the grid out: a row of labels, then for each token its label and its cells. */
  #build(tokens: readonly string[]): void {
    const last = tokens.length - 1;
    this.#cursor = [Math.min(this.#cursor[0], last), Math.min(this.#cursor[1], last)];
    const labels = make('div', '', { role: 'row' });
    labels.append(make('span', '', { role: 'presentation' }));
    for (const token of tokens) labels.append(make('span', token, { role: 'columnheader' }));
    const rows = tokens.map((token, row) => {
      const line = make('div', '', { role: 'row' });
      line.append(make('span', token, { role: 'rowheader' }));
      tokens.forEach((_, column) => {
        const cell = make('span', '', { role: 'gridcell', tabindex: this.#isCursor(row, column) ? '0' : '-1' });
        cell.dataset.row = String(row);
        cell.dataset.column = String(column);
        line.append(cell);
      });
      return line;
    });
    this.#map.style.setProperty('--tokens', String(tokens.length));
    this.#map.replaceChildren(labels, ...rows);
    this.#readout.textContent = 'Point at a square, or reach it with Tab and the arrow keys.';
  }

  #draw(): void {
    if (this.#reading === undefined) return;
    const { tokens, attentions } = this.#reading;
    const count = tokens.length;
    this.#values = valuesOf(this.#reading, this.#layer, this.#head);
    this.#map.querySelectorAll<HTMLElement>('[role=gridcell]').forEach((cell, i) => {
      const value = this.#values[i] as number;
      // The area, not the side, is what the eye compares.
      cell.style.setProperty('--side', Math.sqrt(value).toFixed(3));
      cell.dataset.value = String(value);
      cell.setAttribute('aria-label', sentence(tokens, Math.floor(i / count), i % count, value));
    });
    this.#map.dataset.of = `${attentions.length} layers`;
    const focused = this.#map.querySelector<HTMLElement>(':focus');
    if (focused !== null) this.#point(focused);
  }

  #isCursor(row: number, column: number): boolean {
    return row === this.#cursor[0] && column === this.#cursor[1];
  }

  /** Reads a cell out, and marks its row and column. */
  #point(target: EventTarget | null): void {
    const cell = target instanceof HTMLElement ? target.closest<HTMLElement>('[role=gridcell]') : null;
    if (cell === null || this.#reading === undefined) return;
    const [row, column] = [Number(cell.dataset.row), Number(cell.dataset.column)];
    const { tokens } = this.#reading;
    this.#readout.textContent = sentence(tokens, row, column, this.#values[row * tokens.length + column] as number);
    for (const marked of this.#map.querySelectorAll('.pointed')) marked.classList.remove('pointed');
    cell.classList.add('pointed');
    this.#map.querySelectorAll('[role=rowheader]')[row]?.classList.add('pointed');
    this.#map.querySelectorAll('[role=columnheader]')[column]?.classList.add('pointed');
  }

  #move(event: KeyboardEvent): void {
    const count = this.#reading?.tokens.length ?? 0;
    const [row, column] = this.#cursor;
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, count - 1],
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const [nextRow = 0, nextColumn = 0] = to.map((place) => Math.max(0, Math.min(count - 1, place)));
    this.#cell(row, column)?.setAttribute('tabindex', '-1');
    this.#cursor = [nextRow, nextColumn];
    const next = this.#cell(nextRow, nextColumn);
    next?.setAttribute('tabindex', '0');
    next?.focus();
  }

  #cell(row: number, column: number): HTMLElement | null {
    return this.#map.querySelector(`[data-row="${row}"][data-column="${column}"]`);
  }
}

function sentence(tokens: readonly string[], row: number, column: number, value: number): string {
  const to = row === column ? 'itself' : `“${tokens[column]}”`;
  return `“${tokens[row]}” attends to ${to}: ${percent(value)}`;
}

/** (seq, seq) of one head, or the mean of all. */
function valuesOf({ attentions, tokens }: Reading, layer: number, head: number | typeof ALL): Float32Array {
  const all = attentions[layer]?.data ?? new Float32Array(0);
  const size = tokens.length ** 2;
  if (head !== ALL) return all.slice(head * size, (head + 1) * size);
  const heads = all.length / size;
  return Float32Array.from({ length: size }, (_, i) => {
    let sum = 0;
    for (let h = 0; h < heads; h++) sum += all[h * size + i] as number;
    return sum / heads;
  });
}

/** Fills a fieldset with a choice of numbers: radio buttons, so that the arrow keys work. */
function choices(id: string, values: readonly string[], chosen: string, onChoice: (value: string) => void): void {
  for (const value of values) {
    const label = make('label');
    const radio = make('input', '', { type: 'radio', name: id, value });
    radio.checked = value === chosen;
    radio.addEventListener('change', () => onChoice(value));
    label.append(radio, make('span', value));
    element(id).append(label);
  }
}
