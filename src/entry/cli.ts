#!/usr/bin/env node
/** The command line: argv in, a table or JSON out, exit codes 0, 1 (failure), 2 (usage) and 130 (a training that was stopped). */
import { Command, CommanderError } from 'commander';
import { addAnswer } from '../cli/commands/answer.js';
import { addBench } from '../cli/commands/bench.js';
import { addChoose } from '../cli/commands/choose.js';
import { addClassify } from '../cli/commands/classify.js';
import { addCompletion } from '../cli/commands/completion.js';
import { addConvert } from '../cli/commands/convert.js';
import { addEmbed } from '../cli/commands/embed.js';
import { addEvaluate } from '../cli/commands/evaluate.js';
import { addFillMask } from '../cli/commands/fill-mask.js';
import { addInfo } from '../cli/commands/info.js';
import { addOrder } from '../cli/commands/order.js';
import { addSimilarity } from '../cli/commands/similarity.js';
import { addTag } from '../cli/commands/tag.js';
import { addTour, nameCommand } from '../cli/commands/tour.js';
import { addTrain } from '../cli/commands/train.js';
import { addZeroShot } from '../cli/commands/zero-shot.js';
import { complain } from '../cli/complain.js';
import { VERSION } from '../cli/small-models.js';
import { AlbertError } from './index.js';

const program = new Command('albert-wasm')
  .version(VERSION)
  .description('Run ALBERT models on WebAssembly SIMD. Without a command: sentiment, or words for each [MASK].')
  .helpCommand(true)
  .exitOverride()
  // Commander's own complaints name arguments.
  .configureOutput({ writeErr: (text) => complain(text.replace(/\n$/, '')) })
  .showHelpAfterError('(--help shows how to use it)')
  .addHelpText(
    'after',
    `
Examples:
  $ albert-wasm "What a lovely day"                 the sentiment of a text
  $ albert-wasm "The cat sat on the [MASK]."        words for the mask
  $ albert-wasm classify --top-k 2 < reviews.txt    one text per line, JSON lines in a pipe
  $ albert-wasm classify --file reviews.csv --column review --output labels.csv
  $ albert-wasm embed --pooling mean "some text"    one vector per text
  $ albert-wasm similarity "A cat." "A dog." "Rain."    sentences by how alike they are to the first
  $ albert-wasm answer --model my-qa "Who?" < article.txt    with a model of your own; also choose and zero-shot
  $ albert-wasm train --train questions.csv --out my-model    a model of your own, from examples
  $ albert-wasm info --model owner/name             any ALBERT of the Hugging Face Hub
  $ albert-wasm classify --file reviews.txt --shard 1/4    a quarter of a file, for one machine of four
  $ albert-wasm bench                               how fast this machine is
  $ albert-wasm answer --help                       each command shows examples of its own`,
  );

addTour(program);
const tasks = [addClassify, addFillMask, addEmbed, addTag, addAnswer, addSimilarity, addOrder, addChoose, addZeroShot];
for (const add of [...tasks, addTrain, addEvaluate, addInfo, addConvert, addBench, addCompletion]) add(program);
// Its commands have taken over what is configured above.
program.configureOutput({ outputError: (text, write) => write(nameCommand(program, text)) });

function cannotWrite(error: NodeJS.ErrnoException): never {
  // A reader that has seen enough, such as `head`, is no failure.
  if (error.code === 'EPIPE') process.exit(0);
  complain(`albert-wasm: cannot write: ${error.message}`);
  process.exit(1);
}

process.stdout.on('error', cannotWrite);
// A reader that is gone gets no complaint either.
process.stderr.on('error', () => process.exit(1));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own messages; ours it has not seen.
    if (error.code.startsWith('albert-wasm')) complain(error.message);
    // For `help` of an unknown command, it prints the help of the program and no word about it.
    if (error.code === 'commander.help' && error.exitCode !== 0) {
      complain(`error: unknown command '${program.args[1]}', the commands are listed above`);
    }
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
