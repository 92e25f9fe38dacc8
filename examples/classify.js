/** A Node script: classifies the texts of its arguments, and prints one line each. */
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { AlbertError, pipeline } from 'albert-wasm';

const texts = process.argv.slice(2);
if (texts.length === 0) texts.push('What a lovely day', 'What a dreadful day');

try {
  const classify = await pipeline('sentiment-analysis', sst2, { dtype: 'int8' });
  try {
    const answers = await classify(texts, {
      onProgress: ({ done, total }) => process.stderr.write(`${done} of ${total}\n`),
    });
    for (const [i, [best]] of answers.entries()) console.log(`${best.label}\t${best.score.toFixed(3)}\t${texts[i]}`);
  } finally {
    // Gives the model's memory back. Where there is `await using`, that does it at the end of the block.
    await classify.dispose();
  }
} catch (error) {
  if (!(error instanceof AlbertError)) throw error;
  // The code is for programs and never renamed, the message for people.
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
