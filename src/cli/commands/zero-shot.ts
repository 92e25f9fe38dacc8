/** `zero-shot`: which of any labels fits each text. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { textReader } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, parseStride, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';
import { TEXT } from '../task-input.js';

interface Options extends ModelOptions, LineOptions {
  readonly labels: string;
  readonly template?: string;
  readonly multiLabel?: boolean;
  readonly stride?: number;
}

const format = FORMATS['zero-shot-classification'];

export function addZeroShot(program: Command): void {
  const command = program.command('zero-shot').description('tell which of your own labels fits each text');
  withLines(withModel(command, 'a checkpoint for NLI, with a label "entailment"', true), TEXT)
    .argument('[text...]', 'texts; default: lines of standard input')
    .requiredOption('--labels <labels>', 'the labels, separated by commas')
    .option('--template <sentence>', 'the sentence for each label, with {} for the label; default: This example is {}.')
    .option('--multi-label', 'several labels may fit: each is scored alone')
    .option('--stride <n>', 'read long texts in windows that share this many pieces; default: cut them', parseStride)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm zero-shot --model my-nli --labels sports,politics "The team won the match."
  $ albert-wasm zero-shot --model my-nli --labels urgent,billing --multi-label --file letters.csv --output labels.csv`,
    )
    .action((texts: string[], { labels, template, multiLabel, stride, ...options }: Options) =>
      run(
        {
          format,
          input: TEXT,
          given: texts.map(textReader(options, format)),
          open: () => load('zero-shot-classification', options),
          call: {
            candidate_labels: labels,
            hypothesis_template: template,
            multi_label: multiLabel,
            stride,
          },
          show(text, { labels: ranked, scores }) {
            const records = ranked.map((label, i) => ({ label, score: scores[i] as number }));
            return {
              rows: records.map(({ label, score }) => [label, percent(score), text]),
              csv: () => ({ columns: ['text', 'label', 'score'], input: { text }, records }),
            };
          },
        },
        options,
      ),
    );
}
