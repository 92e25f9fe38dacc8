/** `classify`: labels of texts. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { textReader } from '../inputs.js';
import {
  type LineOptions,
  load,
  type ModelOptions,
  parseCount,
  parseStride,
  withLines,
  withModel,
} from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';
import { type TaskInput, TEXT } from '../task-input.js';

interface Options extends ModelOptions, LineOptions {
  readonly topK: number;
  readonly stride?: number;
}

const format = FORMATS['text-classification'];

/** A second column is the second text of a pair. */
const INPUT: TaskInput = {
  ...TEXT,
  most: 2,
  fields: ([text, text_pair]) => (text_pair === undefined ? { text } : { text, text_pair }),
};

export function addClassify(program: Command): void {
  const command = program.command('classify').description('label texts, by default as positive or negative');
  withLines(withModel(command, 'a sequence classification checkpoint'), INPUT)
    .argument('[text...]', 'texts; default: lines of standard input')
    .option('--top-k <n>', 'labels to show', parseCount, 1)
    .option('--stride <n>', 'read long texts in windows that share this many pieces; default: cut them', parseStride)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm classify "What a lovely day"
  $ albert-wasm classify --top-k 2 --file reviews.txt
  $ albert-wasm classify --file reviews.csv --column review --output labels.csv
  $ albert-wasm classify --file reviews.jsonl --output labels.jsonl      keys such as an id come back
  $ albert-wasm classify --file reviews.txt --shard 2/4 > part-2.jsonl
  $ echo '{"text": "A man sleeps.", "text_pair": "He is awake."}' | albert-wasm classify --jsonl --model my-nli`,
    )
    .action((texts: string[], { topK, stride, ...options }: Options) =>
      run(
        {
          format,
          input: INPUT,
          given: texts.map(textReader(options, format)),
          open: () => load('text-classification', options),
          call: { top_k: topK, stride },
          show(input, labels) {
            const texts = typeof input === 'string' ? { text: input } : input;
            return {
              csv: () => ({ columns: [...Object.keys(texts), 'label', 'score'], input: texts, records: labels }),
              rows: labels.map(({ label, score }) => [label, percent(score), ...Object.values(texts)]),
            };
          },
        },
        options,
      ),
    );
}
