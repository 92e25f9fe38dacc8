/** How the inputs of a command's task are written. */

import type { Line } from '../ground/lines.js';
import type { ParsedLine } from '../shards/formats.js';

export interface TaskInput {
  /** The default format of the lines. */
  readonly lines: 'text' | 'jsonl';
  /** The default columns of a CSV that are an input, in this order; an input has `least` to `most` columns. */
  readonly columns: readonly string[];
  readonly least: number;
  readonly most: number;
  /** The values of these columns as a line of JSON has them. */
  fields(values: readonly string[]): object;
}

export const TEXT: TaskInput = {
  lines: 'text',
  columns: ['text'],
  least: 1,
  most: 1,
  fields: ([text]) => ({ text }),
};

/** Lines in batches, and what each of them is. */
export interface Inputs<Input> {
  readonly batches: AsyncIterable<readonly Line[]>;
  readonly parse: (line: string) => ParsedLine<Input>;
}
