/** From start and end logits to answers: hand-made logits, and brute force over random windows. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AnswerWindow, bestSpans, type Span, type SpanOptions } from '../../src/pipelines/spans.js';
import { stateCases } from '../support/cases.js';

const spans = suite('spans');

const OPTIONS: SpanOptions = {
  top_k: 1,
  max_answer_len: 15,
  handle_impossible_answer: false,
  align_to_words: false,
};

/** A window whose softmax gives back the probabilities; the first is that of [CLS]. */
function window(starts: number[], ends: number[], offsets: [number, number][]): AnswerWindow {
  const logits = (probabilities: number[]) => Float32Array.from(probabilities, Math.log);
  return { offsets, start_logits: logits(starts), end_logits: logits(ends) };
}

/** Spans with scores to 6 digits. */
function rounded(found: readonly Span[]): [number, number, number][] {
  return found.map(({ score, start, end }) => [Number(score.toFixed(6)), start, end]);
}

const CONTEXT = 'one two three';
const WORDS: [number, number][] = [
  [0, 3],
  [4, 7],
  [8, 13],
];
// Spans: one-one .06, one-two .02, one-three .1; two-two .03, two-three .15; three-three .2.
const WINDOW = window([0.1, 0.2, 0.3, 0.4], [0.1, 0.3, 0.1, 0.5], WORDS);

spans('the likeliest span is the product of its ends’ probabilities, start before end', () => {
  assert.equal(rounded(bestSpans(CONTEXT, [WINDOW], OPTIONS)), [[0.2, 8, 13]]);
  // The likeliest start is behind the likeliest end: .6 · .7 does not count.
  const crossed = window([0.1, 0.2, 0.1, 0.6], [0.1, 0.7, 0.1, 0.1], WORDS);
  assert.equal(rounded(bestSpans(CONTEXT, [crossed], OPTIONS)), [[0.14, 0, 3]]);
});

spans('top_k spans, best first; fewer where there are not as many', () => {
  assert.equal(rounded(bestSpans(CONTEXT, [WINDOW], { ...OPTIONS, top_k: 3 })), [
    [0.2, 8, 13],
    [0.15, 4, 13],
    [0.1, 0, 13],
  ]);
  assert.is(bestSpans(CONTEXT, [WINDOW], { ...OPTIONS, top_k: 99 }).length, 6);
});

spans('max_answer_len counts tokens', () => {
  const most = (max_answer_len: number) =>
    rounded(bestSpans(CONTEXT, [WINDOW], { ...OPTIONS, max_answer_len, top_k: 99 })).map(([, start, end]) => [
      start,
      end,
    ]);
  assert.equal(most(1), [
    [8, 13],
    [0, 3],
    [4, 7],
  ]);
  assert.is(most(2).length, 5);
  assert.not(most(2).some(([start, end]) => start === 0 && end === 13));
});

spans('no answer scores as [CLS] does, in the window where that is least', () => {
  const options = { ...OPTIONS, handle_impossible_answer: true, top_k: 2 };
  const unsure = window([0.9, 0.04, 0.03, 0.03], [0.8, 0.1, 0.05, 0.05], WORDS);
  assert.equal(rounded(bestSpans(CONTEXT, [unsure], options)), [
    [0.72, 0, 0],
    [0.004, 0, 3],
  ]);
  assert.equal(rounded(bestSpans(CONTEXT, [unsure], { ...options, handle_impossible_answer: false, top_k: 1 })), [
    [0.004, 0, 3],
  ]);
  // The second window is sure that there is one: .1 · .1.
  assert.equal(rounded(bestSpans(CONTEXT, [unsure, WINDOW], { ...options, top_k: 1 })), [[0.2, 8, 13]]);
  const last = bestSpans(CONTEXT, [unsure, WINDOW], { ...options, top_k: 99 }).find(({ end }) => end === 0);
  assert.is(last?.score.toFixed(6), '0.010000');
});

spans('candidates of all windows are ranked together, and one span counts once, with its best score', () => {
  const first = window([0.4, 0.3, 0.3], [0.4, 0.3, 0.3], WORDS.slice(0, 2));
  const second = window([0.1, 0.5, 0.4], [0.1, 0.4, 0.5], WORDS.slice(1));
  // First: one .09, one-two .09, two .09. Second: two .2, two-three .25, three .2.
  assert.equal(rounded(bestSpans(CONTEXT, [first, second], { ...OPTIONS, top_k: 99 })), [
    [0.25, 4, 13],
    [0.2, 4, 7],
    [0.2, 8, 13],
    [0.09, 0, 3],
    [0.09, 0, 7],
  ]);
});

spans('answers are widened to whole words, which full stops are not of', () => {
  const context = 'In Berkeley.';
  const offsets: [number, number][] = [
    [0, 2],
    [3, 7],
    [7, 11],
    [11, 12],
  ];
  const inside = window([0.1, 0.1, 0.2, 0.5, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1], offsets);
  // berk-berk .12, eley-eley .05, both Berkeley; berk-eley .02; eley-. .05.
  assert.equal(rounded(bestSpans(context, [inside], { ...OPTIONS, align_to_words: true, top_k: 2 })), [
    [0.12, 3, 11],
    [0.06, 0, 11],
  ]);
  assert.equal(rounded(bestSpans(context, [inside], OPTIONS)), [[0.12, 3, 7]]);
});

spans('a mark of a space, which has no width, is no answer, and the space before it ends none', () => {
  const context = 'a «b»';
  const marked = window(
    [0.1, 0.1, 0.6, 0.1, 0.1],
    [0.1, 0.1, 0.6, 0.1, 0.1],
    // ▁a, ▁, « and b
    [
      [0, 1],
      [2, 2],
      [2, 3],
      [3, 4],
    ],
  );
  const answers = (align_to_words: boolean) =>
    rounded(bestSpans(context, [marked], { ...OPTIONS, align_to_words, top_k: 9 })).map(([score, start, end]) => [
      context.slice(start, end),
      score,
    ]);
  // From the mark to «, or from a to the mark, which is a alone: .06; all others .01.
  assert.equal(answers(false), [
    ['a', 0.06],
    ['«', 0.06],
    ['«b', 0.06],
    ['a «', 0.01],
    ['a «b', 0.01],
    ['b', 0.01],
  ]);
  // The mark is of «'s word: from and to it .36.
  assert.equal(answers(true), [
    ['«', 0.36],
    ['a «', 0.06],
    ['«b', 0.06],
    ['a', 0.01],
    ['a «b', 0.01],
    ['b', 0.01],
  ]);
});

spans('brute force over all windows finds the same', () => {
  let cases = 0;
  const logit = fc.integer({ min: -40, max: 40 }).map((eighths) => eighths / 8);
  const oneWindow = fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 9 })).chain(([from, length]) =>
    fc.record({
      from: fc.constant(from),
      starts: fc.array(logit, { minLength: length + 1, maxLength: length + 1 }),
      ends: fc.array(logit, { minLength: length + 1, maxLength: length + 1 }),
    }),
  );
  const context = 'abcdefghijklmnopqrstuvwxyzabcdefghijkl';
  const property = fc.property(
    fc.array(oneWindow, { minLength: 1, maxLength: 4 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 10 }),
    fc.boolean(),
    (windows, top_k, max_answer_len, handle_impossible_answer) => {
      const scores = new Map<string, number>();
      let none = Number.POSITIVE_INFINITY;
      for (const { from, starts, ends } of windows) {
        const sum = (logits: number[]) => logits.reduce((total, each) => total + Math.exp(each), 0);
        const scale = sum(starts) * sum(ends);
        none = Math.min(none, Math.exp((starts[0] as number) + (ends[0] as number)) / scale);
        for (let s = 1; s < starts.length; s++) {
          for (let e = s; e < ends.length; e++) {
            if (e - s + 1 > max_answer_len) continue;
            const score = Math.exp((starts[s] as number) + (ends[e] as number)) / scale;
            const key = `${from + s - 1} ${from + e}`;
            scores.set(key, Math.max(score, scores.get(key) ?? 0));
          }
        }
      }
      if (handle_impossible_answer) scores.set('0 0', none);
      const wanted = [...scores.values()].sort((a, b) => b - a).slice(0, top_k);
      const found = bestSpans(
        context,
        windows.map(({ from, starts, ends }) => ({
          offsets: starts.slice(1).map((_, i) => [from + i, from + i + 1] as const),
          start_logits: Float32Array.from(starts),
          end_logits: Float32Array.from(ends),
        })),
        { ...OPTIONS, top_k, max_answer_len, handle_impossible_answer },
      );
      assert.is(found.length, wanted.length);
      found.forEach(({ score, start, end }, i) => {
        assert.ok(Math.abs(score - (wanted[i] as number)) < 1e-12, `place ${i}: ${score}, ${wanted[i]}`);
        assert.ok(Math.abs(score - (scores.get(`${start} ${end}`) ?? Number.NaN)) < 1e-12, `${start} ${end}`);
      });
      cases++;
    },
  );
  fc.assert(property, { numRuns: 2000, seed: 11 });
  stateCases(cases, 2000);
});

spans.run();
