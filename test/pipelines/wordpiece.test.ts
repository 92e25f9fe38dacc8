/** The pipelines over a WordPiece vocabulary: filled masks, tagged words and answers, as over SentencePiece's. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ModelFiles } from '../../src/ground/source.js';
import { pipeline } from '../../src/pipelines/index.js';
import { AlbertTokenizer } from '../../src/tokenizer/tokenizer.js';
import { wordPieces } from '../tokenizer/layouts.js';
import { fails } from '../tokenizer/support.js';
import { randomFiles } from './checkpoint.js';

const test = suite('pipelines over WordPiece');

const PIECES = wordPieces();
const TEXT = 'The BROWN fox jumped over 日本語, unwanted!';

/** A checkpoint of random weights with `vocab.txt`. */
async function files(head: Parameters<typeof randomFiles>[0], config: object = {}): Promise<ModelFiles> {
  const { 'tokenizer.json': _, ...others } = await randomFiles(head, { vocab_size: PIECES.length, ...config });
  return { ...others, 'vocab.txt': PIECES.join('\n') };
}

test('fill-mask: words decoded, targets of one piece', async () => {
  const fill = await pipeline('fill-mask', await files('masked_lm'));
  const text = 'the [MASK] fox jumped';
  const [[best]] = (await fill(text)) as unknown as [[{ sequence: string; token_str: string; token: number }]];
  assert.is(best.token_str, fill.tokenizer.decode([best.token]));
  assert.ok(best.sequence.startsWith('the') && best.sequence.endsWith('fox jumped'), best.sequence);
  const [chosen] = (await fill(text, { targets: ['quick', 'brown'] })) as { token_str?: string }[][];
  assert.equal(chosen?.map(({ token_str }) => token_str).sort(), ['brown', 'quick']);
  await fill.dispose();
});

test('token-classification: groups are whole words of the caller’s text', async () => {
  const id2label = { 0: 'B-A', 1: 'B-B', 2: 'B-C' };
  const label = await pipeline('token-classification', await files('token_classification', { id2label }));
  const groups = await label(TEXT, { aggregation_strategy: 'first' });
  const words = groups.map(({ word }) => word);
  assert.equal(
    words,
    groups.map(({ start, end }) => TEXT.slice(start, end)),
  );
  for (const word of ['The', 'BROWN', 'fox', 'jumped', 'over', 'unwanted'])
    assert.ok(words.includes(word), words.join());
  const tokens = await label(TEXT);
  assert.ok(
    tokens.some(({ word }) => word === 'want') && tokens.some(({ word }) => word === 'ed'),
    'pieces are shorter',
  );
  await label.dispose();
});

test('question-answering: answers over windows end where words end', async () => {
  const answer = await pipeline('question-answering', await files('question_answering'));
  const context = `${TEXT} `.repeat(12);
  const answers = await answer({ question: 'over?', context }, { top_k: 20, max_seq_len: 20, doc_stride: 4 });
  for (const { start, end, answer: found } of answers) {
    assert.is(found, context.slice(start, end));
    assert.not.match(context.slice(start - 1, start + 1), /^[a-z]{2}$/i);
    assert.not.match(context.slice(end - 1, end + 1), /^[a-z]{2}$/i);
  }
  assert.is(answers.length, 20);
  await answer.dispose();
});

test('a tokenizer from another source, or one that is open, and its settings', async () => {
  const { 'vocab.txt': vocab, ...model } = (await files('masked_lm')) as Record<string, string>;
  await fails('ERR_SOURCE', /"source" expected tokenizer.json, spiece.model or vocab.txt/, () =>
    pipeline('fill-mask', model),
  );
  const vocabulary = { 'vocab.txt': vocab as string };
  const other = await pipeline('fill-mask', model, {
    tokenizer: vocabulary,
    do_lower_case: false,
    model_max_length: 9,
  });
  assert.is(other.tokenizer.model_max_length, 9);
  assert.equal(other.tokenizer.encode('The the').tokens.slice(1, -1), ['[UNK]', 'the']);
  const tokenizer = await AlbertTokenizer.from_pretrained(vocabulary);
  const given = await pipeline('fill-mask', model, { tokenizer });
  assert.is(given.tokenizer, tokenizer);
  assert.is(((await given('the [MASK]')) as unknown[][]).flat().length, 5);
  await fails('ERR_INPUT', /"do_lower_case" expected true or false/, () =>
    pipeline('fill-mask', model, { tokenizer: vocabulary, do_lower_case: 'no' as never }),
  );
  await fails('ERR_SOURCE', /"source" expected an existing directory/, () =>
    pipeline('fill-mask', model, { tokenizer: 5 as never }),
  );
  await other.dispose();
  await given.dispose();
});

test.run();
