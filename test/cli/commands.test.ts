/** The commands of structured tasks: arguments, files and JSON lines give what the pipelines give. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertForPreTraining, pipeline } from '../../src/entry/index.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { randomFiles } from '../pipelines/checkpoint.js';
import { TINY } from '../support/tiny.js';
import { run } from './command-line.js';

const commands = suite('commands');

const folder = mkdtempSync(`${tmpdir()}/albert-wasm-commands-`);
const models = {
  tag: await randomFiles('token_classification', { id2label: { 0: 'O', 1: 'B-PER', 2: 'I-PER' } }),
  answer: await randomFiles('question_answering'),
  choose: await randomFiles('multiple_choice'),
  nli: await randomFiles('sequence_classification', { id2label: { 0: 'entailment', 1: 'contradiction' } }),
  sentences: {
    ...(await randomFiles('model')),
    'modules.json': JSON.stringify(
      ['Transformer', 'Pooling', 'Normalize'].map((kind, i) => ({
        path: i === 1 ? 'pooling' : '',
        type: `sentence_transformers.models.${kind}`,
      })),
    ),
    'pooling/config.json': '{"pooling_mode": "cls"}',
    'sentence_bert_config.json': '{"max_seq_length": 9}',
  },
};
for (const [name, files] of Object.entries(models)) {
  mkdirSync(`${folder}/${name}`);
  for (const [file, bytes] of Object.entries(files)) {
    mkdirSync(dirname(`${folder}/${name}/${file}`), { recursive: true });
    writeFileSync(`${folder}/${name}/${file}`, bytes as string);
  }
}
commands.after(() => rmSync(folder, { recursive: true }));

/** The JSON lines that a command prints. */
async function lines(args: string[], input = ''): Promise<unknown[]> {
  const { code, out, err } = await run(args, input);
  assert.is(code, 0, err);
  assert.is(err, '');
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** What JSON makes of a value. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

const LONG = 'Clara went from Paris to Rome, and Anna stayed. '.repeat(4);

commands('--model takes the name of an installed package, and leaves other names to the library', async () => {
  const named = await lines(['classify', '--model', '@albert-wasm/albert-mini-en-sst2', 'A lovely film.']);
  assert.equal(named, await lines(['classify', 'A lovely film.']));
  const { code, err } = await run(['classify', '--model', '@albert-wasm/unknown', 'A lovely film.']);
  assert.is(code, 1);
  assert.match(err, /"source" expected an existing directory/);
});

commands('tag: entities of texts, however long', async () => {
  await using tag = await pipeline('ner', models.tag);
  const model = ['tag', '--model', `${folder}/tag`];
  const simple = await tag(LONG, { aggregation_strategy: 'simple', stride: 5 });
  assert.equal(await lines([...model, '--stride', '5', LONG]), [plain({ text: LONG, entities: simple })]);
  const none = await tag(['Anna', 'stayed'], { ignore_labels: ['I-PER', 'B-PER'] });
  assert.equal(
    await lines([...model, '--aggregation', 'none', '--ignore', 'I-PER,B-PER', '--stride', '5'], 'Anna\nstayed\n'),
    [plain({ text: 'Anna', entities: none[0] }), plain({ text: 'stayed', entities: none[1] })],
  );
  // In a table, each text is behind its first entity.
  const table = async (ignored: string, ...texts: string[]) =>
    (await run([...model, '--aggregation', 'none', '--ignore', ignored, '--format', 'table', ...texts])).out;
  const shown = (await table('X', 'Anna stayed.', 'Clara')).trimEnd().split('\n');
  const behind = shown.map((row) => / {2}\d+-\d+(.*)$/.exec(row)?.[1]?.trim());
  assert.is(behind[0], 'Anna stayed.');
  assert.equal(behind.filter(Boolean), ['Anna stayed.', 'Clara']);
  assert.ok(behind.length > 2);
  assert.is(await table('O,B-PER,I-PER', 'Anna'), '-  -  -  -  Anna\n');
});

commands('answer: questions about one context, or JSON lines', async () => {
  await using answer = await pipeline('question-answering', models.answer);
  const model = ['answer', '--model', `${folder}/answer`];
  const options = { top_k: 2, max_answer_len: 3, handle_impossible_answer: true };
  const wanted = [];
  for (const question of ['Who?', 'Where?']) {
    wanted.push(plain({ question, answers: await answer({ question, context: LONG }, options) }));
  }
  writeFileSync(`${folder}/context.txt`, LONG);
  const flags = ['--top-k', '2', '--max-answer-len', '3', '--impossible'];
  assert.equal(await lines([...model, ...flags, 'Who?', 'Where?', '--context', LONG]), wanted);
  assert.equal(await lines([...model, ...flags, 'Who?', 'Where?', '--context-file', `${folder}/context.txt`]), wanted);
  assert.equal(await lines([...model, ...flags, 'Who?', 'Where?'], LONG), wanted);
  const questions = ['Who?', 'Where?'].map((question) => `${JSON.stringify({ question, context: LONG })}\n`).join('');
  assert.equal(await lines([...model, ...flags], questions), wanted);
  writeFileSync(`${folder}/questions.jsonl`, questions);
  assert.equal(await lines([...model, ...flags, '--file', `${folder}/questions.jsonl`]), wanted);
});

commands('similarity: sentences ranked', async () => {
  const [source_sentence, ...sentences] = ['The cat sat.', 'Prices rose.', 'A cat was sitting.'] as [
    string,
    ...string[],
  ];
  await using similarity = await pipeline('sentence-similarity');
  const [first, second] = (await similarity({ source_sentence, sentences })) as [number, number];
  assert.ok(second > first);
  const ranked = [
    { sentence: 'A cat was sitting.', score: second },
    { sentence: 'Prices rose.', score: first },
  ];
  assert.equal(await lines(['similarity', source_sentence, ...sentences]), [{ source_sentence, sentences: ranked }]);
  const input = JSON.stringify({ source_sentence, sentences });
  assert.equal(await lines(['similarity', '--top-k', '1'], `${input}\n${input}`), [
    { source_sentence, sentences: ranked.slice(0, 1) },
    { source_sentence, sentences: ranked.slice(0, 1) },
  ]);
});

commands('order and choose', async () => {
  await using order = await pipeline('sentence-order');
  const pair = { first: 'She opened the door.', second: 'Then she walked in.' };
  const ordered = { ...pair, ...(await order(pair)) };
  assert.equal(await lines(['order', pair.first, pair.second]), [ordered]);
  assert.equal(await lines(['order'], JSON.stringify(pair)), [ordered]);

  await using choose = await pipeline('multiple-choice', models.choose);
  const input = { prompt: 'He opened it because', choices: ['it rained.', 'the sun was up.'] };
  const model = ['choose', '--model', `${folder}/choose`];
  assert.equal(await lines([...model, input.prompt, ...input.choices]), [
    { prompt: input.prompt, choices: plain(await choose(input)) },
  ]);
  assert.equal(await lines([...model, '--top-k', '1'], JSON.stringify(input)), [
    { prompt: input.prompt, choices: plain(await choose(input, { top_k: 1 })) },
  ]);
});

commands('texts from files and from JSON, pairs of them, and targets of a mask', async () => {
  writeFileSync(`${folder}/lines.txt`, Array.from({ length: 40 }, (_, i) => `film ${i}\r\n`).join(''));
  const texts = (await lines(['classify', '--file', `${folder}/lines.txt`])).map(
    (line) => (line as { text: string }).text,
  );
  assert.equal(
    texts,
    Array.from({ length: 40 }, (_, i) => `film ${i}`),
  );
  const pair = { text: 'good', text_pair: 'bad' };
  const [string, object, two] = (await lines(
    ['classify', '--jsonl'],
    `"good"\n{"text":"good","id":1}\n${JSON.stringify(pair)}\n`,
  )) as {
    labels: { score: number }[];
  }[];
  assert.equal(object, { id: 1, ...string });
  await using classify = await pipeline('text-classification');
  assert.equal(two, { ...pair, labels: await classify(pair) });
  const [filled] = await lines(['fill-mask', '--targets', 'germany,france', 'Paris is in [MASK].']);
  assert.equal((filled as { masks: { token_str: string }[][] }).masks[0]?.map(({ token_str }) => token_str).sort(), [
    'france',
    'germany',
  ]);
});

commands('texts as JSON lines: strings, or objects with a text', async () => {
  const { code, err } = await run(['embed', '--jsonl'], '"good"\nnull\n');
  assert.is(code, 1);
  assert.match(err, /^albert-wasm: line 2: "text" expected a string, got null\n$/);
  for (const [args, text] of [
    [['embed'], 'good'],
    [['fill-mask', '--top-k', '2'], 'A [MASK] film.'],
    [['tag', '--model', `${folder}/tag`], 'Anna stayed.'],
  ] as const) {
    const [plain] = await lines([...args], text);
    const input = `${JSON.stringify(text)}\n${JSON.stringify({ text, id: 1 })}\n`;
    const wanted = [plain, { id: 1, ...(plain as object) }];
    assert.equal(await lines([...args, '--jsonl'], input), wanted);
    assert.equal(await lines([...args, '--jsonl', ...input.trim().split('\n')]), wanted);
  }
});

commands('convert names what it leaves out', async () => {
  await using model = await AlbertForPreTraining.from_config(TINY);
  const tensors = [...model.params].map(([name, { shape, data }]) => ({ name, shape, data }));
  const kept = tensors.filter(({ name }) => !name.startsWith('sop_'));
  mkdirSync(`${folder}/pretraining`);
  writeFileSync(`${folder}/pretraining/config.json`, JSON.stringify(TINY));
  writeFileSync(`${folder}/pretraining/model.safetensors`, encodeSafetensors(kept, 'F32', {}));
  const { code, out, err } = await run(['convert', '--model', `${folder}/pretraining`, '--out', `${folder}/converted`]);
  assert.is(code, 0, err);
  const ignored = ['albert.pooler.bias', 'albert.pooler.weight'];
  assert.equal(JSON.parse(out).ignored, ignored);
  assert.is(err, `albert-wasm: AlbertForMaskedLM does not use ${ignored.join(', ')}: left out\n`);
});

const REFUSED: [number, string[], string, RegExp][] = [
  [2, ['answer', 'question'], '', /error: required option '--model/],
  [2, ['choose', 'a', 'b'], '', /error: required option '--model/],
  [2, ['tag', '--model', 'x', '--aggregation', 'last', 'text'], '', /none, simple, first, average, max/],
  [2, ['tag', '--model', 'x', '--stride', '-1', 'text'], '', /whole number from 0/],
  [2, ['order', 'only one'], '', /^error: give two texts \(--help shows how\)\n$/],
  [2, ['similarity', 'only one'], '', /^error: give a sentence and others to compare it with \(--help[^\n]+\n$/],
  [2, ['choose', '--model', 'x', 'a'], '', /^error: give a prompt and texts to choose from \(--help[^\n]+\n$/],
  [1, ['embed', '--jsonl', 'plain'], '', /^albert-wasm: expected JSON, a string, or {"text": …}: [^\n]+\n$/],
  [1, ['order'], 'a b\n', /^albert-wasm: line 1: expected JSON, {"first": …, "second": …}: [^\n]+\n$/],
  [
    1,
    ['similarity'],
    '{"source_sentence": "a", "sentences": ["b"]}\nnonsense\n',
    /^albert-wasm: line 2: expected JSON, {"source_sentence": …, "sentences": \[…\]}[^\n]+\n$/,
  ],
  [1, ['order'], 'null\n', /^albert-wasm: line 1: "input" expected an object[^\n]+\n$/],
  [1, ['classify', '--file', 'no/such/file'], '', /^albert-wasm: cannot read no\/such\/file: ENOENT[^\n]+\n$/],
  [1, ['classify', '--file', 'src'], '', /^albert-wasm: cannot read src: EISDIR[^\n]+\n$/],
];
for (const [wanted, args, input, message] of REFUSED) {
  commands(`refused with ${wanted}: ${args.join(' ')}`, async () => {
    const { code, err } = await run(args, input);
    assert.is(code, wanted, err);
    assert.match(err, message);
    assert.not.match(err, '    at ');
  });
}

commands('zero-shot: labels of one’s own', async () => {
  await using classify = await pipeline('zero-shot-classification', models.nli);
  const options = { candidate_labels: ['sports', 'food'], hypothesis_template: 'About {}.', multi_label: true };
  const wanted = plain(await classify(['The team won.', 'Bread rose.'], options));
  const args = ['zero-shot', '--model', `${folder}/nli`, '--labels', 'sports, food'];
  assert.equal(
    await lines([...args, '--template', 'About {}.', '--multi-label'], 'The team won.\nBread rose.\n'),
    wanted,
  );
  const { code, err } = await run(['zero-shot', '--model', `${folder}/nli`, 'a text']);
  assert.is(code, 2);
  assert.match(err, '--labels');
});

commands('embed and info follow a checkpoint’s own pooling; options come first', async () => {
  await using extract = await pipeline('feature-extraction', models.sentences);
  const model = ['--model', `${folder}/sentences`];
  const own = await extract('A cat.');
  assert.equal(await lines(['embed', ...model, 'A cat.']), [{ text: 'A cat.', embedding: own.tolist() }]);
  const mean = await extract('A cat.', { pooling: 'mean', normalize: false });
  assert.not.equal(mean.tolist(), own.tolist());
  const flags = ['--pooling', 'mean', '--no-normalize'];
  assert.equal(await lines(['embed', ...model, ...flags, 'A cat.']), [{ text: 'A cat.', embedding: mean.tolist() }]);
  const [facts] = (await lines(['info', ...model])) as [Record<string, unknown>];
  assert.equal([facts.pooling, facts.dimension, facts.max_seq_length], ['cls, Normalize', 36, 9]);
});

commands('each command’s help shows how to use it', async () => {
  const { out } = await run(['--help']);
  const all = [...out.slice(out.indexOf('\nCommands:')).matchAll(/^ {2}([a-z][\w-]+)[ \n]/gm)].map(([, name]) => name);
  const commands = all.filter((name) => name !== 'help') as string[];
  assert.is(commands.length, 15);
  for (const command of commands) {
    const { code, out } = await run([command, '--help']);
    assert.is(code, 0);
    assert.not.match(out, 'embedded');
    assert.match(out, new RegExp(`Examples:\n(.*\n)*.*albert-wasm ${command}\\b`));
  }
});

commands.run();
