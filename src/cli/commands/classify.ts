/** `classify`: labels of texts. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { type LineOptions, load, type ModelOptions, parseCount, textReader, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';

interface Options extends ModelOptions, LineOptions {
  readonly topK: number;
}

const { parse, row } = FORMATS['text-classification'];

export function addClassify(program: Command): void {
  const command = program.command('classify').description('label texts, by default as positive or negative');
  withLines(withModel(command, 'a sequence classification checkpoint'), 'texts')
    .argument('[text...]', 'texts; lines of standard input unless given')
    .option('--top-k <n>', 'labels to show', parseCount, 1)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm classify "What a lovely day"
  $ albert-wasm classify --top-k 2 --file reviews.txt
  $ albert-wasm classify --file reviews.txt --shard 2/4 > part-2.jsonl
  $ echo '{"text": "A man sleeps.", "text_pair": "He is awake."}' | albert-wasm classify --jsonl --model my-nli`,
    )
    .action((texts: string[], { topK, ...options }: Options) =>
      run(
        {
          inputs: texts.map(textReader(options, parse)),
          parse: textReader(options, parse),
          open: () => load('text-classification', options),
          call: { top_k: topK },
          show(input, labels) {
            const texts = typeof input === 'string' ? { text: input } : input;
            return {
              json: row(input, labels),
              rows: labels.map(({ label, score }) => [label, percent(score), ...Object.values(texts)]),
            };
          },
        },
        options,
      ),
    );
}
