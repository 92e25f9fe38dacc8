/** Where words begin, and which window decides a piece: by hand, and on hostile text. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decidedPieces } from '../../src/pipelines/windows.js';
import { wordBreaks, wordStarts } from '../../src/pipelines/words.js';
import { stateCases } from '../support/cases.js';
import { hostileText, seeded, fromJson as tokenizer } from '../tokenizer/support.js';

const words = suite('words');

/** The text's words, as the caller wrote them. */
function wordsOf(text: string): string[] {
  const encoding = tokenizer.encode(text, { add_special_tokens: false });
  const found: [number, number][] = [];
  wordStarts(text, encoding).forEach((begins, i) => {
    const [start, end] = encoding.offsets[i] as [number, number];
    if (begins) found.push([start, end]);
    else (found.at(-1) as [number, number])[1] = end;
  });
  return found.map(([start, end]) => text.slice(start, end));
}

const CASES: [text: string, words: string[]][] = [
  ['Supercalifragilistic ways', ['Supercalifragilistic', 'ways']],
  ['In Paris, (France)!', ['In', 'Paris', ',', '(', 'France', ')', '!']],
  ["O'Brien's and O’Brien", ["O'Brien's", 'and', 'O’Brien']],
  ['5.975,74 of 3.5 %', ['5.975,74', 'of', '3.5', '%']],
  ['the U.S. and U.S.A., e.g. x. A.', ['the', 'U.S.', 'and', 'U.S.A.', ',', 'e.g.', 'x', '.', 'A', '.']],
  ['Jean-Paul', ['Jean', '-', 'Paul']],
  ['  two\t\n words  ', ['two', 'words']],
  ['naïve cafe\u0301s Ｗｉｄｅ', ['naïve', 'cafe\u0301s', 'Ｗｉｄｅ']],
  ['“Paris”—France', ['“', 'Paris', '”', '—', 'France']],
  ['17,326 km2', ['17,326', 'km2']],
  ['the [MASK] sat', ['the', '[MASK]', 'sat']],
  ['हिन्दी भाषा', ['हिन्दी', 'भाषा']],
  ['wow,\u20dd ok', ['wow', ',\u20dd', 'ok']],
];
for (const [text, wanted] of CASES) {
  words(text, () => assert.equal(wordsOf(text), wanted));
}

words('a long text takes time in proportion to its length, and its words are those of its parts', () => {
  const sentence = 'The quick brown fox, 5.975,74 times. ';
  const [once, many] = [wordBreaks(sentence), wordBreaks(sentence.repeat(3000))];
  for (let i = 0; i < 3000; i++) {
    assert.equal(many.subarray(i * sentence.length, (i + 1) * sentence.length), once.subarray(0, -1), `sentence ${i}`);
  }
  // What no boundary divides: a word of more units than are looked at at once.
  assert.equal(wordBreaks('a'.repeat(1500)).indexOf(1, 1), 1024);
  assert.is(wordBreaks(''.repeat(3)).length, 1);
});

words('without Intl.Segmenter, words are runs of letters and digits', () => {
  const { Segmenter } = Intl;
  Object.assign(Intl, { Segmenter: undefined });
  try {
    for (const [text, wanted] of [
      ["O'Brien’s 5.975,74", ['O', "'", 'Brien', '’', 's', '5', '.', '975', ',', '74']],
      ['the U.S. has', ['the', 'U.S.', 'has']],
      ['naïve cafe\u0301s wow,\u20dd हिन्दी', ['naïve', 'cafe\u0301s', 'wow', ',\u20dd', 'हिन्दी']],
    ] as const) {
      assert.equal(wordsOf(text), wanted);
    }
  } finally {
    Object.assign(Intl, { Segmenter });
  }
});

words('words of hostile texts are whole: in order, and no cut between two letters', () => {
  const random = seeded(5);
  let [cases, boundaries] = [0, 0];
  for (; cases < 400; cases++) {
    const text = hostileText(random, 120);
    const encoding = tokenizer.encode(text, { add_special_tokens: false });
    const starts = wordStarts(text, encoding);
    assert.is(starts.length, encoding.tokens.length);
    assert.ok(starts[0] ?? true);
    for (let i = 1; i < starts.length; i++) {
      const [, before] = encoding.offsets[i - 1] as [number, number];
      const [start] = encoding.offsets[i] as [number, number];
      const around = text.slice(Math.max(0, before - 2), start + 2);
      // White space, or what became one, stands between words; letters that touch are of one word.
      if (before === start && /^[a-z]{4}$/i.test(around)) assert.not(starts[i], around);
      if (/^\w \w/.test(text.slice(before - 1, start + 1)) && start === before + 1) assert.ok(starts[i], around);
      boundaries++;
    }
  }
  stateCases(boundaries, 8000);
});

words('windows together decide each piece once, where it has most around it', () => {
  let cases = 0;
  const property = fc.property(
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 1, max: 40 }),
    fc.nat(39),
    (pieces, room, some) => {
      const stride = some % room;
      const windows: [number, number][] = [];
      for (let start = 0; ; start += room - stride) {
        windows.push([start, Math.min(start + room, pieces)]);
        if (start + room >= pieces) break;
      }
      const lengths = windows.map(([start, end]) => end - start);
      const decided = decidedPieces(lengths, stride).map(([from, to], i) => {
        const start = windows[i]?.[0] as number;
        return [start + from, start + to] as const;
      });
      // Every piece once, in order.
      assert.is(decided[0]?.[0], 0);
      assert.is(decided.at(-1)?.[1], pieces);
      decided.forEach(([from, to], i) => {
        assert.ok(from < to);
        if (i > 0) assert.is(from, decided[i - 1]?.[1]);
        for (let piece = from; piece < to; piece++) {
          const context = (window: number) => {
            const [start, end] = windows[window] as [number, number];
            const edge = (at: number, far: boolean) => (far ? Number.POSITIVE_INFINITY : at);
            if (piece < start || piece >= end) return -1;
            return Math.min(edge(piece - start, start === 0), edge(end - 1 - piece, end === pieces));
          };
          // A neighbour that holds the piece too has no more text around it, but for the middle of an odd overlap.
          for (const other of [i - 1, i + 1]) {
            if (windows[other] !== undefined) assert.ok(context(other) <= context(i) + 1, `${piece} of ${lengths}`);
          }
        }
      });
      cases++;
    },
  );
  fc.assert(property, { numRuns: 1000, seed: 3 });
  stateCases(cases, 1000);
});

words.run();
