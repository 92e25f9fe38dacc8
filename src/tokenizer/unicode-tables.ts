/**
 * Characters that Hugging Face's library treats by older versions of Unicode than the engine's own tables: it must not
 * drop or decompose what it does not know. Measured on the library, character by character (test/tokenizer/rust.test.ts).
 */

/**
 * A character class of code points, from ranges in base 36. Each number is the distance from the end of the range before; a second
 * number, after a dot, is the length minus one.
 */
export function decodeRanges(ranges: string): string {
  let last = 0;
  return ranges
    .split(' ')
    .map((range) => {
      const [gap = 0, length = 0] = range.split('.').map((digits) => Number.parseInt(digits, 36));
      const first = last + gap;
      last = first + length;
      return `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`;
    })
    .join('');
}

const LATER_MARKS =
  '1kt 4a.8 17.9 8b 70.5 2e 4v 1k 53 d 1n.1 1x 8p k 1mv 6y j4.u 3.b ek 73.4 raq 5v js5.3 1u.4 8u.1 26.5 1z.a ' +
  '1e.3 6j 3.1 26 3n.1 3n 5.1 36 6y 3h.8 2 3 2.3 2.4 2 f.1 3g r2.e 6u.5 2.1 3.3 2 2.1 3y.6 3.6 4 t.9 15.6 2.3 9 ' +
  'a.a 1b.f 5j.7 cq.5 4 2.1 2.6 2 1v.4 2.1 2.4 9o.3 a.1 2 1d.6 4.4 o 44m 7.e 8uh.h 2sg 1c.8 2l c.1 irz.19 3.m ' +
  '3ex 4h.6 ag 1q.3 e5.3 73.1 6s 3 8.1 6';

const LATER_FORMS = 'a2n n3m.3 ol huo r bh.4 2.15 2.8 2bt 2 9 3 1g 2.1 12o e7d.7 2f4.2 iuk.z 3sn.1p 3cv 22s.9';

const laterMarks = decodeRanges(LATER_MARKS);
const laterForms = decodeRanges(LATER_FORMS);

/** What StripAccents drops: category M, of Unicode 9. */
export const MARK_SOURCE = `(?:[\\u1cf2\\u1cf3]|(?![${laterMarks}])\\p{M})`;

/** What NFC, NFD, NFKC and NFKD leave alone, and never look past. */
export const OPAQUE_CLASS = `${laterMarks}${laterForms}`;
