/** `order`: whether a text goes before another. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { plainInput } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';
import type { TaskInput } from '../task-input.js';
import { usageError } from '../usage.js';

type Options = ModelOptions & LineOptions;

const format = FORMATS['sentence-order'];

const INPUT: TaskInput = {
  lines: 'jsonl',
  columns: ['first', 'second'],
  least: 2,
  most: 2,
  fields: ([first, second]) => ({ first, second }),
};

export function addOrder(program: Command): void {
  const command = program.command('order').description('tell how likely two texts are in their right order');
  withLines(withModel(command, 'a pre-training checkpoint'), INPUT)
    .argument('[first]', 'a text; default: lines of {"first", "second"}')
    .argument('[second]', 'the text that may follow it')
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm order "She opened the door." "Then she walked in."
  $ echo '{"first": "Then she walked in.", "second": "She opened the door."}' | albert-wasm order`,
    )
    .action(async (first: string | undefined, second: string | undefined, options: Options) => {
      if (first !== undefined && second === undefined) throw usageError('give two texts');
      await run(
        {
          format,
          input: INPUT,
          given: first === undefined ? [] : [plainInput({ first, second: second as string })],
          open: () => load('sentence-order', options),
          call: {},
          show: (input, order) => ({
            rows: [
              ['in order', percent(order.inOrder), `${input.first} ${input.second}`],
              ['swapped', percent(order.swapped), `${input.second} ${input.first}`],
            ],
            csv: () => ({ columns: ['first', 'second', 'inOrder', 'swapped'], input, records: [order] }),
          }),
        },
        options,
      );
    });
}
