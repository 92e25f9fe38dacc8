/** `fill-mask`: words for each [MASK]. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { type LineOptions, load, type ModelOptions, parseCount, textReader, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';

interface Options extends ModelOptions, LineOptions {
  readonly topK: number;
  readonly targets?: readonly string[];
}

const { parse, row } = FORMATS['fill-mask'];

export function addFillMask(program: Command): void {
  const command = program.command('fill-mask').description('find words for each [MASK]');
  withLines(withModel(command, 'a masked language model checkpoint'), 'texts')
    .argument('[text...]', 'texts with [MASK]; lines of standard input unless given')
    .option('--top-k <n>', 'words to show for each mask', parseCount, 5)
    .option('--targets <words>', 'consider these words only, separated by commas', (value) => value.split(','))
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm fill-mask "The cat sat on the [MASK]."
  $ albert-wasm fill-mask --targets france,germany "Paris is the capital of [MASK]."`,
    )
    .action((texts: string[], { topK, targets, ...options }: Options) =>
      run(
        {
          inputs: texts.map(textReader(options, parse)),
          parse: textReader(options, parse),
          open: () => load('fill-mask', options),
          call: { top_k: topK, targets },
          show: (text, masks) => ({
            json: row(text, masks),
            rows: masks.flat().map(({ token_str, score, sequence }) => [token_str, percent(score), sequence]),
          }),
        },
        options,
      ),
    );
}
