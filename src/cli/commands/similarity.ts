/** `similarity`: sentences by how similar they are to one. */
import type { Command } from 'commander';
import { FORMATS, rank } from '../../shards/formats.js';
import { plainInput } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, parseCount, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import type { TaskInput } from '../task-input.js';
import { usageError } from '../usage.js';

interface Options extends ModelOptions, LineOptions {
  readonly topK?: number;
}

const format = FORMATS['sentence-similarity'];

/** A column for the sentence that the others are compared with, and one for each of the others. */
const INPUT: TaskInput = {
  lines: 'jsonl',
  columns: [],
  least: 2,
  most: Number.POSITIVE_INFINITY,
  fields: ([source_sentence, ...sentences]) => ({ source_sentence, sentences }),
};

export function addSimilarity(program: Command): void {
  const command = program.command('similarity').description('rank sentences by how similar they are to the first one');
  withLines(withModel(command, 'any ALBERT checkpoint'), INPUT)
    .argument('[sentence...]', 'a sentence and those to rank; default: lines of {"source_sentence", "sentences"}')
    .option('--top-k <n>', 'sentences to show; default: all', parseCount)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm similarity "The cat sat." "A dog lay there." "Prices rose."
  $ echo '{"source_sentence": "The cat sat.", "sentences": ["A dog lay there."]}' | albert-wasm similarity
  $ albert-wasm similarity --file pairs.csv --column left --column right --output scores.csv`,
    )
    .action(async (texts: string[], { topK, ...options }: Options) => {
      if (texts.length === 1) throw usageError('give a sentence and others to compare it with');
      await run(
        {
          format,
          input: INPUT,
          given:
            texts.length > 0 ? [plainInput({ source_sentence: texts[0] as string, sentences: texts.slice(1) })] : [],
          open: () => load('sentence-similarity', options),
          call: {},
          show({ source_sentence, sentences }, scores) {
            const ranked = rank(sentences, scores).slice(0, topK);
            return {
              json: { source_sentence, sentences: ranked },
              rows: ranked.map(({ sentence, score }) => [score.toFixed(4), sentence]),
              csv: () => ({
                columns: ['source_sentence', 'sentence', 'score'],
                input: { source_sentence },
                records: ranked,
              }),
            };
          },
        },
        options,
      );
    });
}
