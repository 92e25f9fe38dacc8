/** Question answering end to end: against forwards of each window, over long contexts and hostile text. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type AlbertInputs,
  pipeline,
  type QuestionAnswer,
  type QuestionAnsweringOptions,
  type QuestionAnsweringOutput,
} from '../../src/entry/index.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { hostileText, seeded } from '../tokenizer/support.js';
import { randomFiles } from './checkpoint.js';

const qa = suite('question answering');

const answer = await pipeline('question-answering', await randomFiles('question_answering'));
const { tokenizer, model } = answer;
const question = 'Who went to Rome?';
const LONG = Array.from({ length: 9 }, (_, i) => `Zoë ${i} O’Brien went from São Paulo to ﬁnland.`).join(' ');

/** All answers by their ranges, each with its best score, from one forward a window; no answer as '0 0'. */
async function bruteForce(context: string, seq: number, stride: number, most: number): Promise<Map<string, number>> {
  const { cls_token_id, sep_token_id } = tokenizer;
  const asked = [cls_token_id, ...tokenizer.encode(question, { add_special_tokens: false }).input_ids, sep_token_id];
  const { input_ids: pieces, offsets } = tokenizer.encode(context, { add_special_tokens: false });
  const room = seq - asked.length - 1;
  const scores = new Map<string, number>();
  let none = 1;
  for (let first = 0; ; first += room - stride) {
    const part = pieces.slice(first, first + room);
    const input_ids = [...asked, ...part, sep_token_id];
    const token_type_ids = input_ids.map((_, i) => (i < asked.length ? 0 : 1));
    const output = (await model.forward({ input_ids, token_type_ids })) as QuestionAnsweringOutput;
    const probabilities = ({ data }: { data: Float32Array }) => {
      const powers = [0, ...part.map((_, i) => asked.length + i)].map((at) => Math.exp(data[at] as number));
      return powers.map((power) => power / powers.reduce((a, b) => a + b));
    };
    const [[noStart = 0, ...starts], [noEnd = 0, ...ends]] = [
      probabilities(output.start_logits),
      probabilities(output.end_logits),
    ];
    none = Math.min(none, noStart * noEnd);
    for (const [s, start] of starts.entries()) {
      for (const [e, end] of ends.entries()) {
        const [from, to] = [offsets[first + s]?.[0] as number, offsets[first + e]?.[1] as number];
        if (e < s || e >= s + most || context.slice(from, to).trimEnd() !== context.slice(from, to)) continue;
        if (from < to) scores.set(`${from} ${to}`, Math.max(start * end, scores.get(`${from} ${to}`) ?? 0));
      }
    }
    if (first + room >= pieces.length) break;
  }
  return scores.set('0 0', none);
}

function check(context: string, got: readonly QuestionAnswer[], scores: ReadonlyMap<string, number>, top_k: number) {
  const wanted = [...scores.values()].sort((a, b) => b - a).slice(0, top_k);
  assert.is(got.length, wanted.length);
  got.forEach(({ score, start, end, answer: words }, i) => {
    assert.ok(Math.abs(score - (wanted[i] as number)) < 1e-12, `place ${i}: ${score}, ${wanted[i]}`);
    assert.ok(Math.abs(score - (scores.get(`${start} ${end}`) ?? 9)) < 1e-12, `${start} ${end}`);
    assert.is(words, context.slice(start, end));
  });
}

qa('answers are the best of all windows, by brute force', async () => {
  const short = 'Zoë went to Rome.';
  for (const [context, max_seq_len, doc_stride] of [
    [short, 24, 0],
    [LONG, 24, 0],
    [LONG, 24, 5],
    [LONG, 20, 10],
    [LONG, 12, 3],
  ] as const) {
    const options = { max_seq_len, doc_stride, align_to_words: false, handle_impossible_answer: true };
    for (const [top_k, max_answer_len] of [
      [1, 15],
      [5, 4],
      [10_000, 1],
    ] as const) {
      const scores = await bruteForce(context, max_seq_len, doc_stride, max_answer_len);
      const got = await answer({ question, context }, { ...options, top_k, max_answer_len });
      check(context, [got].flat(), scores, top_k);
      if (max_answer_len > 1) continue;
      scores.delete('0 0');
      const found = { ...options, handle_impossible_answer: false, top_k, max_answer_len };
      check(context, [await answer({ question, context }, found)].flat(), scores, top_k);
    }
  }
});

qa(
  'windows: the question and three special tokens beside every piece of the context, shared by doc_stride',
  async () => {
    const { input_ids: pieces } = tokenizer.encode(LONG, { add_special_tokens: false });
    const asked = tokenizer.encode(question).input_ids;
    const ran: AlbertInputs[] = [];
    const { forwardEach } = model;
    const windows = async (options: QuestionAnsweringOptions) => {
      ran.length = 0;
      await answer({ question, context: LONG }, options);
      return ran.map(({ input_ids, token_type_ids }) => {
        const ids = input_ids as number[];
        assert.equal(ids.slice(0, asked.length), asked);
        assert.is(ids.at(-1), tokenizer.sep_token_id);
        assert.equal(
          token_type_ids,
          ids.map((_, i) => Number(i >= asked.length)),
        );
        return ids.slice(asked.length, -1);
      });
    };
    model.forwardEach = ((inputs: AlbertInputs[], options: object) => {
      ran.push(...inputs);
      return forwardEach.call(model, inputs, options);
    }) as typeof forwardEach;
    try {
      // 24 positions: 24 - 3 - 5 pieces of the question = 16, and half of them by default.
      for (const [options, seq, stride] of [
        [{}, 24, 8],
        [{ doc_stride: 0 }, 24, 0],
        [{ doc_stride: 15 }, 24, 15],
        [{ max_seq_len: 11, doc_stride: 1 }, 11, 1],
      ] as const) {
        const room = seq - asked.length - 1;
        assert.is(asked.length, 7);
        const parts = await windows(options);
        parts.forEach((part, i) => {
          const from = i * (room - stride);
          assert.equal(part, pieces.slice(from, from + room));
        });
        assert.is((parts.length - 1) * (room - stride) + (parts.at(-1)?.length ?? 0), pieces.length);
      }
    } finally {
      model.forwardEach = forwardEach;
    }
  },
);

qa('align_to_words: no answer begins or ends between two letters; without it some do', async () => {
  // One window holds the context, so no window cuts a word.
  const context = 'Zoë O’Brien went from São Paulo to ﬁnland.';
  assert.ok(tokenizer.encode(context).input_ids.length <= 18);
  const cut = ({ start, end }: QuestionAnswer) =>
    [start, end].some((at) => /[\p{L}\p{N}][\p{L}\p{M}\p{N}]/u.test(context.slice(at - 1, at + 1)));
  const options = { top_k: 99, max_seq_len: 24 } as const;
  const aligned = await answer({ question, context }, options);
  const bare = await answer({ question, context }, { ...options, align_to_words: false });
  assert.ok(aligned.length > 10);
  assert.not(aligned.some(cut));
  assert.ok(bare.some(cut));
  assert.is(new Set(aligned.map(({ start, end }) => `${start} ${end}`)).size, aligned.length);
  // The likeliest is the word around the likeliest piece.
  const [best] = aligned;
  assert.ok(best !== undefined && best.start <= (bare[0]?.start as number) && best.end >= (bare[0]?.end as number));
  assert.is(best?.score, bare[0]?.score);
});

qa(
  'hostile contexts: answers are slices, whole and without white space around them; arrays equal singles',
  async () => {
    const random = seeded(23);
    let answers = 0;
    const context = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constant(undefined).map(() => hostileText(random, 1 + random(150))),
    );
    const property = fc.asyncProperty(
      fc.array(context, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (texts, align_to_words) => {
        const inputs = texts
          .filter((text) => tokenizer.encode(text).input_ids.length > 2)
          .map((text) => ({ question, context: text }));
        const options = { align_to_words, top_k: 5, doc_stride: 3 } as const;
        const results = await answer(inputs, options);
        for (const [i, input] of inputs.entries()) {
          const found = results[i] as QuestionAnswer[];
          if (i === 0) assert.equal(found, await answer(input, options));
          found.forEach(({ answer: words, start, end, score }, place) => {
            assert.is(words, input.context.slice(start, end));
            assert.ok(start < end && score > 0 && score <= (found[place - 1]?.score ?? 1));
            assert.is(words, words.trim(), JSON.stringify(words));
            // No character is cut in two.
            const around =
              input.context.slice(Math.max(0, start - 1), start + 1) + input.context.slice(end - 1, end + 1);
            for (const at of [start, end]) {
              assert.not(/^[\ud800-\udbff][\udc00-\udfff]$/.test(input.context.slice(at - 1, at + 1)), around);
            }
            answers++;
          });
        }
      },
    );
    await fc.assert(property, { numRuns: 250, seed: 7 });
    stateCases(answers, 1000);
  },
);

qa('a pipeline over many: progress and batch size count questions, not windows', async () => {
  const inputs = [LONG, 'Rome.', LONG].map((context) => ({ question, context }));
  const wanted = [];
  for (const input of inputs) wanted.push(await answer(input, { top_k: 2 }));
  for (const batch_size of [1, 3, 32]) {
    const done: number[] = [];
    const got = await answer(inputs, { top_k: 2, batch_size, onProgress: (progress) => done.push(progress.done) });
    assert.equal(got, wanted);
    assert.is(done.at(-1), 3);
  }
});

qa('one answer is an object, several are a list, whatever was found; arrays give as many', async () => {
  const input = { question, context: 'Rome.' };
  const best = await answer(input);
  const list = await answer(input, { top_k: 3, max_answer_len: 1 });
  assert.equal(Object.keys(best), ['score', 'start', 'end', 'answer']);
  assert.equal(await answer(input, { top_k: 1 }), best);
  assert.equal(await answer(input, { top_k: undefined }), best);
  assert.ok(Array.isArray(list) && list.length < 3, 'a list of all that there are');
  assert.equal(await answer([input, input]), [best, best]);
  assert.equal(await answer([input], { top_k: 3, max_answer_len: 1 }), [list]);
  assert.equal(await answer([]), []);
  // What only the program knows may be either.
  const count: number = Number('1');
  const either: QuestionAnswer | QuestionAnswer[] = await answer(input, { top_k: count });
  assert.equal(either, best);
});

qa('bad calls are refused, by name', async () => {
  const input = { question, context: LONG };
  const refused: [unknown, QuestionAnsweringOptions, string][] = [
    ['text', {}, '"input" expected an object with question and context, got "text"'],
    [{ question }, {}, '"context" expected a string, got undefined'],
    [{ context: 'a' }, {}, '"question" expected a string, got undefined'],
    [{ question: ' ', context: 'a' }, {}, '"question" expected a question, got " "'],
    [{ question, context: ' \n' }, {}, '"context" expected a text'],
    [input, { max_seq_len: 25 }, '"max_seq_len" expected an integer from 1 to 24, got 25'],
    [input, { max_seq_len: 1.5 }, '"max_seq_len"'],
    [input, { doc_stride: 16 }, '"doc_stride" expected an integer from 0 to below 16'],
    [input, { doc_stride: -1 }, '"doc_stride"'],
    [input, { max_answer_len: 0 }, '"max_answer_len"'],
    [input, { top_k: 0 }, '"top_k"'],
  ];
  for (const [bad, options, words] of refused) {
    await expectError(() => answer(bad as never, options), 'ERR_INPUT', words);
  }
  await expectError(
    () => answer(input, { max_seq_len: 8 }),
    'ERR_TOO_LONG',
    '"question" expected at most 4 pieces',
    'got 5',
  );
  await expectError(() => answer([input, { question } as never]), 'ERR_INPUT', 'inputs[1]: "context"');
  assert.ok((await answer(input)).score > 0);
});

qa.run();
