/** A Node script that classifies its arguments and prints one line per text. */
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
    // Releases the model's memory. In engines with `await using`, the end of the block does the same.
    await classify.dispose();
  }
} catch (error) {
  if (!(error instanceof AlbertError)) throw error;
  // The code is for programs and is never renamed; the message is for people.
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
