#!/usr/bin/env node
/** The command line: argv in, a table or JSON out, exit codes 0, 1 (failure) and 2 (usage). */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addAnswer } from './cli/commands/answer.js';
import { addBench } from './cli/commands/bench.js';
import { addChoose } from './cli/commands/choose.js';
import { addClassify } from './cli/commands/classify.js';
import { addCompletion } from './cli/commands/completion.js';
import { addConvert } from './cli/commands/convert.js';
import { addEmbed } from './cli/commands/embed.js';
import { addFillMask } from './cli/commands/fill-mask.js';
import { addOrder } from './cli/commands/order.js';
import { addSimilarity } from './cli/commands/similarity.js';
import { addTag } from './cli/commands/tag.js';
import { complain } from './cli/complain.js';
import { load, type ModelOptions, withModel } from './cli/options.js';
import { percent, print, table } from './cli/table.js';
import { usageError } from './cli/usage.js';
import { AlbertError, type FilledMask, type ModelInfo, type Pipelines, pipeline } from './index.js';

/** What the tour reads when it is given nothing else. */
const TOUR = [
  'A warm, funny and quietly moving film.',
  'The plot makes no sense and the jokes fall flat.',
  'Not bad at all, though I have seen better.',
  'Paris is the capital of [MASK].',
  'She opened the door and walked into the [MASK].',
];

// By its name: the bundle lies deeper than this file.
const { version } = JSON.parse(readFileSync(new URL(import.meta.resolve('albert-wasm/package.json')), 'utf8'));

const program = new Command('albert-wasm')
  .version(version)
  .description('Run ALBERT models on WebAssembly SIMD. Without a command: sentiment, or words for each [MASK].')
  .argument('[text...]', 'texts to try; a few examples unless given')
  .helpCommand(true)
  .exitOverride()
  // Commander's own complaints name arguments.
  .configureOutput({ writeErr: (text) => complain(text.replace(/\n$/, '')) })
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
  $ albert-wasm similarity "A cat." "A dog." "Rain."    sentences by how alike they are to the first
  $ albert-wasm answer --model my-qa "Who?" < article.txt    with a model of your own; also tag and choose
  $ albert-wasm info --model owner/name             any ALBERT of the Hugging Face Hub
  $ albert-wasm classify --file reviews.txt --shard 1/4    a quarter of a file, for one machine of four
  $ albert-wasm bench                               how fast this machine is
  $ albert-wasm answer --help                       each command shows examples of its own`,
  );

for (const add of [addClassify, addFillMask, addEmbed, addTag, addAnswer, addSimilarity, addOrder, addChoose]) {
  add(program);
}

withModel(program.command('info'), 'a checkpoint')
  .description('show a model and the kernels that would run it')
  .action(async (options: ModelOptions) => {
    const start = performance.now();
    await using extract = await load('feature-extraction', options);
    const info = extract.model.info();
    const { hidden_size, num_hidden_layers, vocab_size } = extract.model.config;
    const facts = { ...info, hidden_size, num_hidden_layers, vocab_size, loadMilliseconds: performance.now() - start };
    if (process.stdout.isTTY) await print(table(Object.entries(facts).map(([name, value]) => [name, String(value)])));
    else await print(JSON.stringify(facts));
  });

addConvert(program);
addBench(program);
addCompletion(program);

/** The main job on the small models: sentiment of texts, words for texts with a mask. */
async function tour(given: string[]): Promise<void> {
  checkCommand(given[0] ?? '');
  const texts = given.length > 0 ? given : TOUR;
  const masked = texts.filter((text) => text.includes('[MASK]'));
  const plain = texts.filter((text) => !text.includes('[MASK]'));
  if (plain.length > 0) {
    await timed('text-classification', 'Sentiment', plain, async (classify) => {
      const answers = await classify(plain);
      return answers.map(([best], i) => [plain[i] as string, best?.label ?? '', percent(best?.score ?? 0)]);
    });
  }
  if (masked.length > 0) {
    await timed('fill-mask', 'Words for [MASK]', masked, async (fill) => {
      const answers = await fill(masked, { top_k: 3 });
      const shown = (words: FilledMask[]) => words.map((w) => `${w.token_str} ${percent(w.score)}`).join(', ');
      return answers.map((masks, i) => [masked[i] as string, ...masks.map(shown)]);
    });
  }
}

/** @throws CommanderError for a word that is nearly a command's name: no one asks for its sentiment */
function checkCommand(word: string): void {
  if (!/^\S+$/.test(word)) return;
  // Commander suggests to those alone who have commands and nothing else.
  const named = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  for (const command of program.commands) named.command(command.name());
  try {
    named.parse([word], { from: 'user' });
  } catch (error) {
    const [, near] = /Did you mean (.*)\?/.exec((error as Error).message) ?? [];
    if (near !== undefined) throw usageError(`unknown command '${word}', did you mean ${near}?`);
  }
}

/** A table of one task's answers under a headline with the times and the kernels. */
async function timed<T extends keyof Pipelines>(
  task: T,
  title: string,
  texts: readonly string[],
  answer: (run: Pipelines[T]) => Promise<string[][]>,
): Promise<void> {
  const start = performance.now();
  const run = await pipeline(task);
  const loaded = performance.now();
  const rows = await answer(run);
  const done = performance.now();
  const info: ModelInfo = run.model.info();
  const times = `loaded in ${(loaded - start).toFixed(0)} ms, ${texts.length} ${texts.length === 1 ? 'text' : 'texts'} in ${(done - loaded).toFixed(0)} ms`;
  await print(
    `${title}   (${times}; ${info.dtype} on ${info.kernels}, ${info.threads === 1 ? '1 thread' : `${info.threads} threads`})\n${table(rows, '  ')}\n`,
  );
  await run.dispose();
}

function cannotWrite(error: NodeJS.ErrnoException): never {
  // A reader that has seen enough, such as `head`, is no failure.
  if (error.code === 'EPIPE') process.exit(0);
  complain(`albert-wasm: cannot write: ${error.message}`);
  process.exit(1);
}

process.stdout.on('error', cannotWrite);
// Whoever is gone hears no complaint either.
process.stderr.on('error', () => process.exit(1));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own messages; ours it has not seen.
    if (error.code.startsWith('albert-wasm')) complain(error.message);
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof AlbertError) {
    complain(`albert-wasm: ${error.message}`);
    process.exitCode = 1;
  } else if ((error as NodeJS.ErrnoException).syscall === 'write') {
    // Files are written at once, and a full disk is thrown.
    cannotWrite(error as NodeJS.ErrnoException);
  } else {
    throw error;
  }
}
