/** `tag`: the entities of texts. */
import { type Command, Option } from 'commander';
import type { AggregationStrategy } from '../../entry/index.js';
import { FORMATS } from '../../shards/formats.js';
import { textReader } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, parseStride, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';
import { TEXT } from '../task-input.js';

interface Options extends ModelOptions, LineOptions {
  readonly aggregation: AggregationStrategy;
  readonly ignore?: readonly string[];
  readonly stride: number;
}

const format = FORMATS['token-classification'];

/** The columns of an entity in a CSV. */
const ENTITY = ['entity', 'score', 'index', 'word', 'start', 'end'];
const GROUP = ['entity_group', 'score', 'word', 'start', 'end'];

export function addTag(program: Command): void {
  const command = program.command('tag').description('find the entities of texts, however long');
  withLines(withModel(command, 'a token classification checkpoint'), TEXT)
    .argument('[text...]', 'texts; default: lines of standard input')
    .addOption(
      new Option('--aggregation <strategy>', 'how tokens become entities')
        .choices(['none', 'simple', 'first', 'average', 'max'])
        .default('simple'),
    )
    .option('--ignore <labels>', 'labels to leave out, separated by commas; default: O', (value) => value.split(','))
    .option('--stride <n>', 'pieces that windows over a long text share', parseStride, 64)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm tag "Clara lives in Berkeley."
  $ albert-wasm tag --aggregation first --file article.txt
  $ albert-wasm tag --model my-ner --file letters.csv --column body --output entities.csv`,
    )
    .action((texts: string[], { aggregation, ignore, stride, ...options }: Options) =>
      run(
        {
          format,
          input: TEXT,
          given: texts.map(textReader(options, format)),
          open: () => load('token-classification', options),
          call: { aggregation_strategy: aggregation, ignore_labels: ignore, stride },
          show: (text, entities) => ({
            rows: withText(
              text,
              entities.map((found) => [
                'entity' in found ? found.entity : found.entity_group,
                percent(found.score),
                found.word,
                `${found.start}-${found.end}`,
              ]),
            ),
            csv: () => ({
              columns: ['text', ...(aggregation === 'none' ? ENTITY : GROUP)],
              input: { text },
              records: entities,
            }),
          }),
        },
        options,
      ),
    );
}

/** Rows of a table: a text is behind its first entity, or behind dashes if it has none. */
function withText(text: string, rows: string[][]): string[][] {
  const [first = ['-', '-', '-', '-'], ...others] = rows;
  return [[...first, text], ...others];
}
