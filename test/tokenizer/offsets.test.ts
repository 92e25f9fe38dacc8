/** `text.slice(start, end)` is what a token was made of, whatever normalisation did to it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { fails, fromJson, GOLDEN, hostileText, seeded } from './support.js';

const test = suite('offsets');

/** The tokens of a text with the source of each, special tokens of the template left out. */
function sources(text: string): [token: string, source: string][] {
  const { tokens, offsets } = fromJson.encode(text, { add_special_tokens: false });
  return tokens.map((token, i) => [token, text.slice(...(offsets[i] as [number, number]))]);
}

const CASES: readonly [name: string, text: string, expected: [string, string][]][] = [
  [
    'words',
    'The cat',
    [
      ['▁the', 'The'],
      ['▁cat', 'cat'],
    ],
  ],
  [
    'leading, multiple and trailing spaces',
    '  The \t cat  ',
    [
      ['▁the', 'The'],
      ['▁cat', 'cat'],
    ],
  ],
  ['a composed accent', 'Café', [['▁cafe', 'Café']]],
  [
    'a combining accent belongs to its letter',
    'Cafe\u0301 x',
    [
      ['▁cafe', 'Cafe\u0301'],
      ['▁x', 'x'],
    ],
  ],
  ['two combining marks', 'cafe\u0323\u0301', [['▁cafe', 'cafe\u0323\u0301']]],
  ['a mark with no letter', '\u0301The', [['▁the', 'The']]],
  [
    'quotes',
    "`` the ''",
    [
      ['▁"', '``'],
      ['▁the', 'the'],
      ['▁"', "''"],
    ],
  ],
  [
    'three grave accents',
    '```',
    [
      ['▁"', '``'],
      ['`', '`'],
    ],
  ],
  ['a ligature', 'ﬁrst', [['▁first', 'ﬁrst']]],
  [
    'full-width forms',
    'Ｔｈｅ ｃａｔ',
    [
      ['▁the', 'Ｔｈｅ'],
      ['▁cat', 'ｃａｔ'],
    ],
  ],
  ['mathematical letters are surrogate pairs', '𝐓𝐡𝐞', [['▁the', '𝐓𝐡𝐞']]],
  [
    'an emoji',
    'the 😀',
    [
      ['▁the', 'the'],
      ['▁', ''],
      ['😀', '😀'],
    ],
  ],
  [
    'emoji in a row are one unknown piece',
    '😀👍',
    [
      ['▁', ''],
      ['😀👍', '😀👍'],
    ],
  ],
  [
    'a joined emoji',
    'a 👨\u200d👩',
    [
      ['▁a', 'a'],
      ['▁', ''],
      ['👨', '👨'],
      ['\u200d', '\u200d'],
      ['👩', '👩'],
    ],
  ],
  [
    'a lone surrogate is a space',
    'the\ud800cat\udc00',
    [
      ['▁the', 'the'],
      ['▁cat', 'cat'],
    ],
  ],
  [
    'NUL stays, other controls go',
    'a\0b\x01c',
    [
      ['▁a', 'a'],
      ['\0', '\0'],
      ['bc', 'b\x01c'],
    ],
  ],
  ['a dropped control inside a word', 't\x01he', [['▁the', 't\x01he']]],
  [
    'CJK',
    '漢字',
    [
      ['▁', ''],
      ['漢字', '漢字'],
    ],
  ],
  [
    'Hangul goes apart',
    '각각',
    [
      ['▁', ''],
      ['각각'.normalize('NFD'), '각각'],
    ],
  ],
  [
    'right to left',
    'שלום the',
    [
      ['▁', ''],
      ['של', 'של'],
      ['ו', 'ו'],
      ['ם', 'ם'],
      ['▁the', 'the'],
    ],
  ],
  [
    'an expansion that ends a word',
    'the…',
    [
      ['▁the', 'the'],
      ['.', '…'],
      ['.', '…'],
      ['.', '…'],
    ],
  ],
  [
    'a sigma, which no place makes a final one',
    'ΑΣ',
    [
      ['▁α', 'Α'],
      ['σ', 'Σ'],
    ],
  ],
  ['a dotted capital I', 'İf', [['▁if', 'İf']]],
  [
    'a written space mark',
    '▁the▁cat▁',
    [
      ['▁the', 'the'],
      ['▁cat', 'cat'],
    ],
  ],
  [
    'a mask',
    'The [MASK].',
    [
      ['▁the', 'The'],
      ['[MASK]', '[MASK]'],
      ['▁', ''],
      ['.', '.'],
    ],
  ],
  ['nothing', '', []],
  ['only white space', ' \t\u3000\n', []],
];

for (const [name, text, expected] of CASES) test(name, () => assert.equal(sources(text), expected));

test('every piece of U+FDFA, which grows eighteenfold, is that character', () => {
  const pieces = sources('a \ufdfa b');
  const grown = pieces.slice(1, -1);
  assert.equal(
    [pieces[0], pieces.at(-1)],
    [
      ['▁a', 'a'],
      ['▁b', 'b'],
    ],
  );
  assert.ok(grown.length >= 8);
  assert.ok(grown.every(([, source], i) => source === '\ufdfa' || (i === 0 && source === '')));
});

test('a pair’s offsets are into their own text', () => {
  const [first, second] = ['The cat', 'Ａ ｄｏｇ'];
  const { offsets, sequence_ids, tokens } = fromJson.encode(first, { text_pair: second });
  const found = tokens.map((token, i) => {
    const text = [first, second][sequence_ids[i] ?? 2];
    return [token, text?.slice(...(offsets[i] as [number, number])) ?? null];
  });
  assert.equal(found, [
    ['[CLS]', null],
    ['▁the', 'The'],
    ['▁cat', 'cat'],
    ['[SEP]', null],
    ['▁a', 'Ａ'],
    ['▁dog', 'ｄｏｇ'],
    ['[SEP]', null],
  ]);
  assert.equal(offsets[0], [0, 0]);
});

test('return_offsets: false leaves only them out', () => {
  const { offsets, ...rest } = fromJson.encode('The cat', { return_offsets: false });
  const { offsets: _, ...expected } = fromJson.encode('The cat');
  assert.equal(offsets, []);
  assert.equal(rest, expected);
});

/** Whether a character has a letter or a digit that normalisation keeps: what the pieces must cover. */
const isKept = (character: string) => /[\p{L}\p{N}]/u.test(character.normalize('NFKD'));

test('offsets are monotone, within bounds, between characters, and leave no letter out', () => {
  const random = seeded(11);
  const texts = [
    ...GOLDEN.map(({ text }) => text),
    ...Array.from({ length: 1200 }, () => hostileText(random, random(120))),
  ];
  for (const text of texts) {
    const { offsets } = fromJson.encode(text, { add_special_tokens: false });
    const covered = new Uint8Array(text.length);
    let [lastStart, lastEnd] = [0, 0];
    for (const [start, end] of offsets) {
      assert.ok(start >= lastStart && end >= lastEnd && start <= end && end <= text.length, JSON.stringify(text));
      for (const at of [start, end]) {
        const splits = /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(Math.max(at - 1, 0), at + 1));
        assert.not.ok(at > 0 && splits, `${JSON.stringify(text)} is split at ${at}`);
      }
      covered.fill(1, start, end);
      [lastStart, lastEnd] = [start, end];
    }
    let at = 0;
    for (const character of text) {
      if (isKept(character)) assert.is(covered[at], 1, `${JSON.stringify(text)} lacks ${character} at ${at}`);
      at += character.length;
    }
  }
  assert.ok(texts.length >= 1500);
});

test('texts around the length up to which arrays are used again, after others and after one that is too long', async () => {
  // Steps that replace, that share the arrays, and that change nothing after all.
  const unit = 'É Ab ﬁ ΟΔΟΣ e\u0301x각  ';
  const once = fromJson.encode(unit, { add_special_tokens: false });
  for (const count of [1, 2, 3, 200, 226, 227, 228, 229, 230, 455, 456, 1000, 3, 1]) {
    const { input_ids, offsets } = fromJson.encode(unit.repeat(count), { add_special_tokens: false });
    assert.is(input_ids.length, count * once.input_ids.length);
    for (const [i, offset] of offsets.entries()) {
      const [repeat, at] = [Math.floor(i / once.offsets.length), i % once.offsets.length];
      const [start, end] = once.offsets[at] as [number, number];
      assert.equal(offset, [repeat * unit.length + start, repeat * unit.length + end], `${i} of ${count}`);
      assert.is(input_ids[i], once.input_ids[at]);
    }
    if (count > 3) continue;
    await fails('ERR_TOO_LONG', /after normalisation/, () => fromJson.encode('\ufdfa'.repeat(300_000)));
  }
});

test.run();
