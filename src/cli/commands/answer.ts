/** `answer`: the stretches of a context that answer questions. */
import type { Command } from 'commander';
import { FORMATS } from '../../shards/formats.js';
import { plainInput, readText } from '../inputs.js';
import { type LineOptions, load, type ModelOptions, parseCount, withLines, withModel } from '../options.js';
import { run } from '../run.js';
import { percent } from '../table.js';
import type { TaskInput } from '../task-input.js';
import { usageError } from '../usage.js';

interface Options extends ModelOptions, LineOptions {
  readonly context?: string;
  readonly contextFile?: string;
  readonly topK: number;
  readonly maxAnswerLen: number;
  readonly impossible?: boolean;
}

const format = FORMATS['question-answering'];

const INPUT: TaskInput = {
  lines: 'jsonl',
  columns: ['question', 'context'],
  least: 2,
  most: 2,
  fields: ([question, context]) => ({ question, context }),
};

export function addAnswer(program: Command): void {
  const command = program.command('answer').description('find the answers to questions in a text, however long');
  withLines(withModel(command, 'a question answering checkpoint', true), INPUT)
    .argument('[question...]', 'questions about one context; default: lines of {"question", "context"}')
    .option('--context <text>', 'the text to search for answers; default: standard input')
    .option('--context-file <path>', 'a file with the text to search for answers')
    .option('--top-k <n>', 'answers to show', parseCount, 1)
    .option('--max-answer-len <n>', 'the most tokens of an answer', parseCount, 15)
    .option('--impossible', 'allow the empty answer, for contexts without an answer')
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm answer --model my-qa "Where does Clara live?" --context "Clara lives in Berkeley."
  $ albert-wasm answer --model my-qa "Who wrote it?" "When?" < article.txt
  $ echo '{"question": "Who?", "context": "Clara did."}' | albert-wasm answer --model my-qa
  $ albert-wasm answer --model my-qa --file questions.csv --output answers.csv     columns question and context`,
    )
    .action(async (questions: string[], { topK, maxAnswerLen, impossible, ...options }: Options) => {
      const context = questions.length > 0 ? await readContext(options) : '';
      await run(
        {
          format,
          input: INPUT,
          given: questions.map((question) => plainInput({ question, context })),
          reads: options.contextFile,
          open: () => load('question-answering', options),
          call: { top_k: topK, max_answer_len: maxAnswerLen, handle_impossible_answer: impossible },
          show: (input, answers) => ({
            rows: [answers]
              .flat()
              .map(({ answer, score, start, end }) => [answer, percent(score), `${start}-${end}`, input.question]),
            csv: () => ({
              columns: ['question', 'score', 'start', 'end', 'answer'],
              input: { question: input.question },
              records: [answers].flat(),
            }),
          }),
        },
        options,
      );
    });
}

/** The context of the questions that are arguments. */
async function readContext({ context, contextFile }: Pick<Options, 'context' | 'contextFile'>): Promise<string> {
  if (context !== undefined) return context;
  if (contextFile !== undefined) return readText(contextFile);
  if (process.stdin.isTTY) {
    throw usageError('give a --context, or one on standard input');
  }
  return readText();
}
