/** `choose`: which of several texts goes with a prompt. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { type LineOptions, load, type ModelOptions, parseCount, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';
import { usageError } from '../usage.js';

interface Options extends ModelOptions, LineOptions {
  readonly topK?: number;
}

const { parse, row } = FORMATS['multiple-choice'];

export function addChoose(program: Command): void {
  const command = program.command('choose').description('choose the text that goes best with a prompt');
  withLines(withModel(command, 'a multiple choice checkpoint', true), 'JSON lines')
    .argument('[prompt]', 'a question or the beginning of a text; lines of {"prompt", "choices"} unless given')
    .argument('[choice...]', 'the texts to choose from')
    .option('--top-k <n>', 'choices to show; all unless given', parseCount)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm choose --model my-swag "He opened the umbrella because" "it rained." "it was noon."
  $ echo '{"prompt": "Two and two are", "choices": ["four.", "five."]}' | albert-wasm choose --model my-swag`,
    )
    .action(async (prompt: string | undefined, choices: string[], { topK, ...options }: Options) => {
      if (prompt !== undefined && choices.length === 0) throw usageError('give a prompt and texts to choose from');
      await run(
        {
          inputs: prompt === undefined ? [] : [{ prompt, choices }],
          parse,
          open: () => load('multiple-choice', options),
          call: { top_k: topK },
          show: (input, scored) => ({
            json: row(input, scored),
            rows: scored.map(({ choice, score }) => [percent(score), choice]),
          }),
        },
        options,
      );
    });
}
