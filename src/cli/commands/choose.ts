/** `choose`: which of several texts goes with a prompt. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { plainInput } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, parseCount, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';
import type { TaskInput } from '../task-input.js';
import { usageError } from '../usage.js';

interface Options extends ModelOptions, LineOptions {
  readonly topK?: number;
}

const format = FORMATS['multiple-choice'];

/** A column for the prompt, and one for each choice. */
const INPUT: TaskInput = {
  lines: 'jsonl',
  columns: [],
  least: 2,
  most: Number.POSITIVE_INFINITY,
  fields: ([prompt, ...choices]) => ({ prompt, choices }),
};

export function addChoose(program: Command): void {
  const command = program.command('choose').description('choose the text that goes best with a prompt');
  withLines(withModel(command, 'a multiple choice checkpoint', true), INPUT)
    .argument('[prompt]', 'a question or the beginning of a text; default: lines of {"prompt", "choices"}')
    .argument('[choice...]', 'the texts to choose from')
    .option('--top-k <n>', 'choices to show; default: all', parseCount)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm choose --model my-swag "He opened the umbrella because" "it rained." "it was noon."
  $ echo '{"prompt": "Two and two are", "choices": ["four.", "five."]}' | albert-wasm choose --model my-swag
  $ albert-wasm choose --model my-swag --file swag.csv --column sent1 --column ending0 --column ending1`,
    )
    .action(async (prompt: string | undefined, choices: string[], { topK, ...options }: Options) => {
      if (prompt !== undefined && choices.length === 0) throw usageError('give a prompt and texts to choose from');
      await run(
        {
          format,
          input: INPUT,
          given: prompt === undefined ? [] : [plainInput({ prompt, choices })],
          open: () => load('multiple-choice', options),
          call: { top_k: topK },
          show: (input, scored) => ({
            rows: scored.map(({ choice, score }) => [percent(score), choice]),
            csv: () => ({
              columns: ['prompt', 'index', 'choice', 'score'],
              input: { prompt: input.prompt },
              records: scored,
            }),
          }),
        },
        options,
      );
    });
}
