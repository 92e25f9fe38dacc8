/** `tag`: the entities of texts. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AggregationStrategy } from '../../index.js';
import { FORMATS } from '../../shards/formats.js';
import { type LineOptions, load, type ModelOptions, textReader, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';

interface Options extends ModelOptions, LineOptions {
  readonly aggregation: AggregationStrategy;
  readonly ignore?: readonly string[];
  readonly stride: number;
}

const { parse, row } = FORMATS['token-classification'];

export function addTag(program: Command): void {
  const command = program.command('tag').description('find the entities of texts, however long');
  withLines(withModel(command, 'a token classification checkpoint', true), 'texts')
    .argument('[text...]', 'texts; lines of standard input unless given')
    .addOption(
      new Option('--aggregation <strategy>', 'how tokens become entities')
        .choices(['none', 'simple', 'first', 'average', 'max'])
        .default('simple'),
    )
    .option('--ignore <labels>', 'labels to leave out, separated by commas; O unless given', (value) =>
      value.split(','),
    )
    .option('--stride <n>', 'pieces that windows over a long text share', parseStride, 64)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm tag --model my-ner "Clara lives in Berkeley."
  $ albert-wasm tag --model my-ner --aggregation first --file article.txt`,
    )
    .action((texts: string[], { aggregation, ignore, stride, ...options }: Options) =>
      run(
        {
          inputs: texts.map(textReader(options, parse)),
          parse: textReader(options, parse),
          open: () => load('token-classification', options),
          call: { aggregation_strategy: aggregation, ignore_labels: ignore, stride },
          show: (text, entities) => ({
            json: row(text, entities),
            rows: entities.map((found) => [
              'entity' in found ? found.entity : found.entity_group,
              percent(found.score),
              found.word,
              `${found.start}-${found.end}`,
            ]),
          }),
        },
        options,
      ),
    );
}

function parseStride(value: string): number {
  const stride = Number(value);
  if (!Number.isSafeInteger(stride) || stride < 0) throw new InvalidArgumentError('expected a whole number from 0.');
  return stride;
}
