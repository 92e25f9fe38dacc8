/** `embed`: one vector of each text. */
import { type Command, Option } from 'commander';
import type { Pooling } from '../../entry/index.js';
import { FORMATS } from '../../shards/formats.js';
import { textReader } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, parseStride, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { TEXT } from '../task-input.js';

interface Options extends ModelOptions, LineOptions {
  readonly pooling?: Pooling;
  readonly normalize?: boolean;
  readonly stride?: number;
}

const format = FORMATS['feature-extraction'];

export function addEmbed(program: Command): void {
  const command = program.command('embed').description('turn each text into one vector');
  withLines(withModel(command, 'any ALBERT checkpoint'), TEXT)
    .argument('[text...]', 'texts; default: lines of standard input')
    .addOption(
      new Option(
        '--pooling <kind>',
        "how the tokens' vectors become one; default: as the checkpoint's sentence-transformers files say, otherwise mean",
      ).choices(['mean', 'cls', 'max', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken']),
    )
    .option('--normalize', 'scale the vectors to length 1; default, unless those files say otherwise')
    .option('--no-normalize', 'keep the length of the vectors')
    .option('--stride <n>', 'read long texts in windows that share this many pieces; default: cut them', parseStride)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm embed "some text"
  $ albert-wasm embed --pooling cls --file lines.txt > vectors.jsonl
  $ albert-wasm embed --file papers.csv --column abstract --output vectors.csv     a column for each number`,
    )
    .action((texts: string[], { pooling, normalize, stride, ...options }: Options) => {
      const call = { pooling, normalize, stride };
      return run(
        {
          format,
          input: TEXT,
          given: texts.map(textReader(options, format)),
          async open() {
            const extract = await load('feature-extraction', options);
            // A checkpoint's own settings for embeddings are followed. Without any, these are the usual ones.
            if (extract.embedding.source === 'default') {
              call.pooling ??= 'mean';
              call.normalize ??= true;
            }
            return extract;
          },
          call,
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
      );
    });
}
