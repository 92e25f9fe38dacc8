/** `similarity`: sentences by how alike they are to one. */
import type { Command } from 'commander';
import { FORMATS, rank } from '../../shards/formats.js';
import { type LineOptions, load, type ModelOptions, parseCount, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { usageError } from '../usage.js';

interface Options extends ModelOptions, LineOptions {
  readonly topK?: number;
}

export function addSimilarity(program: Command): void {
  const command = program.command('similarity').description('rank sentences by how alike they are to the first one');
  withLines(withModel(command, 'any ALBERT checkpoint'), 'JSON lines')
    .argument('[sentence...]', 'a sentence and those to rank; lines of {"source_sentence", "sentences"} unless given')
    .option('--top-k <n>', 'sentences to show; all unless given', parseCount)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm similarity "The cat sat." "A dog lay there." "Prices rose."
  $ echo '{"source_sentence": "The cat sat.", "sentences": ["A dog lay there."]}' | albert-wasm similarity`,
    )
    .action(async (texts: string[], { topK, ...options }: Options) => {
      if (texts.length === 1) throw usageError('give a sentence and others to compare it with');
      await run(
        {
          inputs: texts.length > 0 ? [{ source_sentence: texts[0] as string, sentences: texts.slice(1) }] : [],
          parse: FORMATS['sentence-similarity'].parse,
          open: () => load('sentence-similarity', options),
          call: {},
          show({ source_sentence, sentences }, scores) {
            const ranked = rank(sentences, scores).slice(0, topK);
            return {
              json: { source_sentence, sentences: ranked },
              rows: ranked.map(({ sentence, score }) => [score.toFixed(4), sentence]),
            };
          },
        },
        options,
      );
    });
}
