#!/usr/bin/env node
/** The command line: argv in, a table or JSON out, exit codes 0, 1 (failure) and 2 (usage). */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { load, type ModelOptions, parseCount, withModel } from './cli/model-options.js';
import {
  AlbertError,
  type CallOptions,
  convert,
  type ModelInfo,
  type Pipeline,
  type Pipelines,
  pipeline,
  type SaveOptions,
} from './index.js';

interface Options extends ModelOptions {
  readonly topK?: number;
  readonly pooling?: 'cls' | 'mean';
  readonly normalize?: boolean;
}

interface ConvertOptions extends SaveOptions {
  readonly model: string;
  readonly out: string;
  readonly force?: boolean;
}

/** What the tour reads when it is given nothing else. */
const TOUR = [
  'A warm, funny and quietly moving film.',
  'The plot makes no sense and the jokes fall flat.',
  'Not bad at all, though I have seen better.',
  'Paris is the capital of [MASK].',
  'She opened the door and walked into the [MASK].',
];

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const program = new Command('albert-wasm')
  .version(version)
  .description('Run ALBERT models on WebAssembly SIMD. Without a command: sentiment, or words for each [MASK].')
  .argument('[text...]', 'texts to try; a few examples unless given')
  .helpCommand(true)
  .exitOverride()
  .showHelpAfterError('(--help shows how to use it)')
  .action(tour)
  .addHelpText(
    'after',
    `
Examples:
  $ albert-wasm "What a lovely day"                 sentiment of a text
  $ albert-wasm "The cat sat on the [MASK]."        words for the mask
  $ albert-wasm classify --top-k 2 < reviews.txt    one line a text, JSON lines in a pipe
  $ albert-wasm embed --pooling mean "some text"    one vector a text
  $ albert-wasm info --model owner/name             any ALBERT of the Hugging Face Hub`,
  );

withModel(program.command('classify'), 'a sequence classification checkpoint')
  .description('label texts, by default as positive or negative')
  .argument('[text...]', 'texts; lines of standard input unless given')
  .option('--top-k <n>', 'labels to show', parseCount, 1)
  .action((texts: string[], { topK, ...source }: Options) =>
    answer(
      () => load('text-classification', source),
      texts,
      { top_k: topK },
      (text, labels) => ({
        json: { text, labels },
        rows: labels.map(({ label, score }) => [label, percent(score), text]),
      }),
    ),
  );

withModel(program.command('fill-mask'), 'a masked language model checkpoint')
  .description('find words for each [MASK]')
  .argument('[text...]', 'texts with [MASK]; lines of standard input unless given')
  .option('--top-k <n>', 'words to show for each mask', parseCount, 5)
  .action((texts: string[], { topK, ...source }: Options) =>
    answer(
      () => load('fill-mask', source),
      texts,
      { top_k: topK },
      (text, masks) => ({
        json: { text, masks },
        rows: masks.flat().map(({ token_str, score, sequence }) => [token_str, percent(score), sequence]),
      }),
    ),
  );

withModel(program.command('embed'), 'any ALBERT checkpoint')
  .description('turn each text into one vector')
  .argument('[text...]', 'texts; lines of standard input unless given')
  .option('--pooling <kind>', 'mean of the tokens, or the first one: mean | cls', parsePooling, 'mean')
  .option('--no-normalize', 'keep the length of the vectors instead of scaling them to 1')
  .action((texts: string[], { pooling, normalize, ...source }: Options) =>
    answer(
      () => load('feature-extraction', source),
      texts,
      { pooling, normalize },
      (text, { data }) => {
        const start = Array.from(data.subarray(0, 4), (value) => value.toFixed(4)).join(' ');
        return { json: { text, embedding: Array.from(data) }, rows: [[`[${data.length}]`, `${start} …`, text]] };
      },
    ),
  );

withModel(program.command('info'), 'a checkpoint')
  .description('show a model and the kernels that would run it')
  .action(async (options: Options) => {
    const start = performance.now();
    await using extract = await load('feature-extraction', options);
    const info = extract.model.info();
    const { hidden_size, num_hidden_layers, vocab_size } = extract.model.config;
    const facts = { ...info, hidden_size, num_hidden_layers, vocab_size, loadMilliseconds: performance.now() - start };
    if (process.stdout.isTTY) print(table(Object.entries(facts).map(([name, value]) => [name, String(value)])));
    else print(JSON.stringify(facts));
  });

program
  .command('convert')
  .description('write a checkpoint in another dtype or format, its tokenizer beside it')
  .requiredOption('--model <source>', 'directory or URL of a checkpoint')
  .requiredOption('--out <directory>', 'where to write')
  .addOption(
    new Option('--dtype <dtype>', 'how numbers are stored').choices(['int8', 'float16', 'bfloat16', 'float32']),
  )
  .addOption(new Option('--format <format>', 'the file of weights').choices(['safetensors', 'flax_msgpack']))
  .option('--force', 'overwrite a model in the directory')
  .action(convertModel);

const WEIGHTS = ['model.safetensors', 'model.safetensors.index.json', 'flax_model.msgpack'];

async function convertModel({ model, out, force, ...options }: ConvertOptions): Promise<void> {
  const taken = ['config.json', ...WEIGHTS].find((name) => existsSync(join(out, name)));
  if (taken !== undefined && !force) {
    throw new AlbertError('ERR_SOURCE', `there is a ${taken} in ${out}: --force overwrites it`);
  }
  const { architecture, ignored, bytesRead } = await convert(model, out, options);
  if (ignored.length > 0) {
    process.stderr.write(`albert-wasm: ${architecture} has no place for ${ignored.join(', ')}: left out\n`);
  }
  const file = options.format === 'flax_msgpack' ? 'flax_model.msgpack' : 'model.safetensors';
  const bytesWritten = statSync(join(out, file)).size;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  if (process.stdout.isTTY) print(`${architecture}: ${megabytes(bytesRead)} → ${megabytes(bytesWritten)} in ${out}`);
  else print(JSON.stringify({ architecture, bytesRead, bytesWritten, ignored }));
}

/** One text's answer: an object for a pipe, rows for a terminal. */
interface Answer {
  readonly json: object;
  readonly rows: readonly (readonly string[])[];
}

/** Lines of standard input that are answered together at most. */
const MOST_LINES = 32;

/** Runs a task over the arguments or the lines of standard input: a table on a terminal, JSON lines in a pipe. */
async function answer<Result, Call extends CallOptions>(
  open: () => Promise<Pipeline<Result, Call>>,
  texts: readonly string[],
  options: Call,
  show: (text: string, result: Result) => Answer,
): Promise<void> {
  if (texts.length === 0 && process.stdin.isTTY) {
    throw new CommanderError(2, 'albert-wasm.noText', 'error: give a text, or texts as lines of standard input');
  }
  const run = await open();
  const shown: (readonly string[])[] = [];
  let line = 0;
  try {
    for await (const batch of texts.length > 0 ? [texts] : linesAtHand(createInterface({ input: process.stdin }))) {
      // Where a batch fails, what comes before the fault is answered all the same, and the fault has its line.
      const results = await run(batch, options).catch(() => undefined);
      for (const [i, text] of batch.entries()) {
        line++;
        const result = results === undefined ? await run(text, options).catch(atLine) : (results[i] as Result);
        const { json, rows } = show(text, result);
        if (process.stdout.isTTY) shown.push(...rows);
        else print(JSON.stringify(json));
      }
    }
  } finally {
    if (shown.length > 0) print(table(shown));
    await run.dispose();
  }

  function atLine(error: unknown): never {
    if (texts.length > 0 || !(error instanceof AlbertError)) throw error;
    throw new AlbertError(error.code, `line ${line}: ${error.message}`, { cause: error });
  }
}

/** Lines in batches of those that have come: no line waits for another to be answered. */
async function* linesAtHand(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  const iterator = lines[Symbol.asyncIterator]();
  let next = iterator.next();
  for (let line = await next; !line.done; line = await next) {
    const batch = [line.value];
    next = iterator.next();
    while (batch.length < MOST_LINES) {
      // A line that has come is there before the event loop's next turn.
      const more = await Promise.race([next, setImmediate(undefined)]);
      if (more === undefined || more.done) break;
      batch.push(more.value);
      next = iterator.next();
    }
    yield batch;
  }
}

/** The main job on the embedded models: sentiment of texts, words for texts with a mask. */
async function tour(given: string[]): Promise<void> {
  const texts = given.length > 0 ? given : TOUR;
  const masked = texts.filter((text) => text.includes('[MASK]'));
  const plain = texts.filter((text) => !text.includes('[MASK]'));
  if (plain.length > 0) {
    await timed('text-classification', 'Sentiment', plain, async (classify, text) => {
      const [best] = await classify(text);
      return [text, best?.label ?? '', percent(best?.score ?? 0)];
    });
  }
  if (masked.length > 0) {
    await timed('fill-mask', 'Words for [MASK]', masked, async (fill, text) => {
      const masks = await fill(text, { top_k: 3 });
      return [text, ...masks.map((words) => words.map((w) => `${w.token_str} ${percent(w.score)}`).join(', '))];
    });
  }
}

/** A table of one task's answers under a headline with the times and the kernels. */
async function timed<T extends keyof Pipelines>(
  task: T,
  title: string,
  texts: readonly string[],
  row: (run: Pipelines[T], text: string) => Promise<string[]>,
): Promise<void> {
  const start = performance.now();
  const run = await pipeline(task);
  const loaded = performance.now();
  const rows: string[][] = [];
  for (const text of texts) rows.push(await row(run, text));
  const done = performance.now();
  const info: ModelInfo = run.model.info();
  const times = `loaded in ${(loaded - start).toFixed(0)} ms, ${texts.length} ${texts.length === 1 ? 'text' : 'texts'} in ${(done - loaded).toFixed(0)} ms`;
  print(
    `${title}   (${times}; ${info.dtype} on ${info.kernels}, ${info.threads === 1 ? '1 thread' : `${info.threads} threads`})\n${table(rows, '  ')}\n`,
  );
  await run.dispose();
}

/** Columns side by side, each as wide as its widest cell. */
function table(rows: readonly (readonly string[])[], indent = ''): string {
  const cells = rows.map((row) => row.map(printable));
  const width = (column: number) => Math.max(...cells.map((row) => row[column]?.length ?? 0));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(width(column))).join('  ');
  return cells.map((row) => `${indent}${line(row)}`.trimEnd()).join('\n');
}

/** Control characters as dots: a text or a foreign model's label must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '·');
}

function percent(score: number): string {
  return `${(score * 100).toFixed(1)} %`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function parsePooling(value: string): 'cls' | 'mean' {
  if (value !== 'cls' && value !== 'mean') throw new InvalidArgumentError('expected mean or cls.');
  return value;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough, such as `head`, is no failure.
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`albert-wasm: cannot write: ${error.message}\n`);
  process.exit(1);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own messages; ours it has not seen.
    if (error.code.startsWith('albert-wasm')) process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof AlbertError) {
    process.stderr.write(`albert-wasm: ${error.message}\n`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
