/** Without a command: a tour; words that are commands, nearly commands, or texts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from './command-line.js';

const tour = suite('command line without a command');

tour('without a command: a tour of both tasks, or of the given texts', async () => {
  const shown = await run([]);
  assert.is(shown.code, 0, shown.err);
  for (const part of ['Sentiment', 'POSITIVE', 'NEGATIVE', 'Words for [MASK]', 'paris', 'simd', ' ms']) {
    assert.match(shown.out, part);
  }
  const given = await run(['What a lovely day']);
  assert.match(given.out, 'What a lovely day  POSITIVE');
  assert.not.match(given.out, 'MASK');
});

tour('one word alone is a command that does not exist, as is a first word that is nearly one', async () => {
  const all =
    'the commands are classify, fill-mask, embed, tag, answer, similarity, order, choose, zero-shot, train, evaluate, info, convert, bench';
  for (const [args, meant] of [
    [['clasify'], 'did you mean classify?'],
    [['clasify', 'some text'], 'did you mean classify?'],
    [['fillmask'], 'did you mean fill-mask?'],
    [['serve'], `${all}, completion`],
    [['lovely!'], `${all}, completion`],
  ] as const) {
    const { code, out, err } = await run([...args]);
    assert.is(code, 2);
    assert.is(out, '');
    const label = `albert-wasm classify "${args[0]}"${args.length > 1 ? ' …' : ''}`;
    assert.is(
      err,
      `error: unknown command '${args[0]}', ${meant} (--help shows how)\nto label the word itself: ${label}\n`,
    );
  }
  assert.match((await run(['a\u001b[31m'])).err, "unknown command 'a\\u001b[31m'");
  assert.match((await run(['classify', 'serve'])).out, '"text":"serve"');
});

tour('an option without a command: the error names a command that has it', async () => {
  for (const [args, said] of [
    [['A lovely film.', '--wide'], '--wide needs a command: albert-wasm classify --wide …'],
    [['--freeze=encoder', 'train'], '--freeze needs a command: albert-wasm train --freeze …'],
    [['A lovely film.', '--nothing'], "unknown option '--nothing'"],
    [['embed', '--freeze', 'encoder', 'A lovely film.'], "unknown option '--freeze'"],
  ] as const) {
    const { code, out, err } = await run([...args]);
    assert.equal([code, out, err], [2, '', `error: ${said}\n(--help shows how to use it)\n`]);
  }
});

tour('several words, a text with spaces, and a mask are texts', async () => {
  assert.match((await run(['lovely', 'dreadful'])).out, /lovely +POSITIVE.*\n +dreadful +NEGATIVE/);
  assert.match((await run(['[MASK]'])).out, 'Words for [MASK]');
});

tour.run();
