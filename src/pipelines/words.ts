/** Which tokens of a text make one word: for labels of whole words, and for answers that end where words end. */

/** Tokens of one text, side by side. */
export interface TextTokens {
  /** Token `i` was made of `text.slice(...offsets[i])`. */
  readonly offsets: readonly (readonly [start: number, end: number])[]; // (tokens)
}

/**
 * For each token, whether a word begins with it. SentencePiece itself knows only white space, and "in Paris, France." would have
 * the words "Paris," and "France."; WordPiece cuts 5.975,74 into five.
 *
 * @param breaks the text's {@link wordBreaks}, where a caller has them
 */
export function wordStarts(text: string, { offsets }: TextTokens, breaks = wordBreaks(text)): boolean[] {
  return offsets.map(([start], i) => {
    if (i === 0) return true;
    const [previous, end] = offsets[i - 1] as readonly [number, number];
    // A space mark without a width goes with what it stands before; several tokens may be made of one character.
    if (previous === end || start < end) return false;
    return breaks[start] === 1;
  });
}

/**
 * For each UTF-16 unit of a text, 1 where a word, a sign or white space begins: by Unicode's rules for words (UAX 29), so that
 * 5.975,74 and O'Brien are one word; the last full stop of U.S. belongs to it.
 *
 * Where the engine has no `Intl.Segmenter` (Firefox before 125), words are runs of letters and digits.
 */
export function wordBreaks(text: string): Uint8Array {
  const { Segmenter } = Intl as { readonly Segmenter?: typeof Intl.Segmenter };
  const breaks = Segmenter === undefined ? breaksAtSigns(text) : breaksOf(text, new Segmenter('en', SETTINGS));
  for (const { index, 0: match } of text.matchAll(ABBREVIATION)) breaks.fill(0, index + 1, index + match.length);
  return breaks;
}

const SETTINGS = { granularity: 'word' } as const;
/** Letters, each with a full stop behind it, the last one too. */
const ABBREVIATION = /(?<![\p{L}\p{N}])(?:\p{L}\.){2,8}(?![\p{L}\p{N}])/gu;

/** Units that are segmented at once: V8 takes time in the square of a text's length. */
const STRETCH = 1024;

function breaksOf(text: string, segmenter: Intl.Segmenter): Uint8Array {
  const breaks = new Uint8Array(text.length + 1);
  for (let start = 0; start < text.length; ) {
    const stretch = text.slice(start, start + STRETCH);
    const found = Array.from(segmenter.segment(stretch), ({ index }) => start + index);
    const isLast = start + STRETCH >= text.length;
    // The stretch may end within a word: its last segments are found anew. What fills a stretch alone is cut.
    const sure = isLast || found.length < 4 ? found.length : found.length - 2;
    for (const index of found.slice(0, sure)) breaks[index] = 1;
    start = found[sure] ?? start + STRETCH;
  }
  return breaks;
}

/** Words as runs of letters and digits; a mark belongs to what it follows, whatever that is. */
function breaksAtSigns(text: string): Uint8Array {
  const breaks = new Uint8Array(text.length + 1);
  for (const { index } of text.matchAll(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*|\P{M}\p{M}*|^\p{M}+/gu)) breaks[index] = 1;
  return breaks;
}
