/** `fill-mask`: words for each [MASK]. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { textReader } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, parseCount, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';
import { TEXT } from '../task-input.js';

interface Options extends ModelOptions, LineOptions {
  readonly topK: number;
  readonly targets?: readonly string[];
}

const format = FORMATS['fill-mask'];

export function addFillMask(program: Command): void {
  const command = program.command('fill-mask').description('find words for each [MASK]');
  withLines(withModel(command, 'a masked language model checkpoint'), TEXT)
    .argument('[text...]', 'texts with [MASK]; default: lines of standard input')
    .option('--top-k <n>', 'words to show for each mask', parseCount, 5)
    .option('--targets <words>', 'consider these words only, separated by commas', (value) => value.split(','))
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm fill-mask "The cat sat on the [MASK]."
  $ albert-wasm fill-mask --targets france,germany "Paris is the capital of [MASK]."
  $ albert-wasm fill-mask --top-k 1 --file riddles.txt --output words.csv`,
    )
    .action((texts: string[], { topK, targets, ...options }: Options) =>
      run(
        {
          format,
          input: TEXT,
          given: texts.map(textReader(options, format)),
          open: () => load('fill-mask', options),
          call: { top_k: topK, targets },
          show: (text, masks) => ({
            rows: masks.flat().map(({ token_str, score, sequence }) => [token_str, percent(score), sequence]),
            csv: () => ({
              columns: ['text', 'mask', 'score', 'token', 'token_str', 'sequence'],
              input: { text },
              records: masks.flatMap((words, i) => words.map((word) => ({ mask: i + 1, ...word }))),
            }),
          }),
        },
        options,
      ),
    );
}
