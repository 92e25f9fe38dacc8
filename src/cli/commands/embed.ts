/** `embed`: one vector of each text. */
import { type Command, Option } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { textReader } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { TEXT } from '../task-input.js';

interface Options extends ModelOptions, LineOptions {
  readonly pooling: 'cls' | 'mean';
  readonly normalize: boolean;
}

const format = FORMATS['feature-extraction'];

export function addEmbed(program: Command): void {
  const command = program.command('embed').description('turn each text into one vector');
  withLines(withModel(command, 'any ALBERT checkpoint'), TEXT)
    .argument('[text...]', 'texts; lines of standard input unless given')
    .addOption(
      new Option('--pooling <kind>', 'mean of the tokens, or the first one').choices(['mean', 'cls']).default('mean'),
    )
    .option('--no-normalize', 'keep the length of the vectors instead of scaling them to 1')
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm embed "some text"
  $ albert-wasm embed --pooling cls --file lines.txt > vectors.jsonl
  $ albert-wasm embed --file papers.csv --column abstract --output vectors.csv     a column for each number`,
    )
    .action((texts: string[], { pooling, normalize, ...options }: Options) =>
      run(
        {
          format,
          input: TEXT,
          given: texts.map(textReader(options, format)),
          open: () => load('feature-extraction', options),
          call: { pooling, normalize },
          show(text, vector) {
            const { data } = vector;
            const start = Array.from(data.subarray(0, 4), (value) => value.toFixed(4)).join(' ');
            return {
              rows: [[`[${data.length}]`, `${start} …`, text]],
              csv() {
                const values = Object.fromEntries(Array.from(data, (value, i) => [`embedding_${i}`, value]));
                return { columns: ['text', ...Object.keys(values)], input: { text }, records: [values] };
              },
            };
          },
        },
        options,
      ),
    );
}
