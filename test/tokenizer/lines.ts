/** Seeded lines of many languages, and of what breaks tokenizers. */
import { hostileText } from './support.js';

type Random = (below: number) => number;

/** Scripts as ranges of code points, marks and signs included; some of what they hold is unassigned. */
const SCRIPTS: readonly (readonly [first: number, last: number])[] = [
  [0x41, 0x5a],
  [0x61, 0x7a],
  [0xc0, 0x24f],
  [0x1e00, 0x1eff],
  [0x300, 0x36f],
  [0x370, 0x3ff],
  [0x1f00, 0x1fff],
  [0x400, 0x52f],
  [0x531, 0x58f],
  [0x591, 0x5f4],
  [0x600, 0x6ff],
  [0xfb50, 0xfdff],
  [0xfe70, 0xfeff],
  [0x900, 0x97f],
  [0x980, 0x9ff],
  [0xa00, 0xa7f],
  [0xb00, 0xbff],
  [0xc00, 0xcff],
  [0xd00, 0xd7f],
  [0xd80, 0xdff],
  [0xe00, 0xe7f],
  [0xe80, 0xeff],
  [0xf00, 0xfff],
  [0x1000, 0x109f],
  [0x1100, 0x11ff],
  [0x1200, 0x137f],
  [0x1780, 0x17ff],
  [0x1800, 0x18af],
  [0x3041, 0x30ff],
  [0x3130, 0x318f],
  [0x3400, 0x3420],
  [0x4e00, 0x4fff],
  [0xac00, 0xad00],
  [0xd7b0, 0xd7fb],
  [0xf900, 0xfa6f],
  [0xff00, 0xffef],
  [0x20000, 0x20020],
  [0x2a700, 0x2b950],
  [0x2000, 0x206f],
  [0x2070, 0x218f],
  [0x2190, 0x27ff],
  [0x1f100, 0x1f2ff],
  [0x1f300, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x1d400, 0x1d7ff],
  [0x11000, 0x110cf],
  [0x1e900, 0x1e95f],
];

const PARTS =
  "The|quick|BROWN|fox|1,000|2008,|don't|naïve|ΣΊΣΥΦΟΣ|İstanbul|STRASSE|ß|यहाँ|हिन्दी|ভাষা|தமிழ்|ภาษาไทย|ນ້ຳ|မြန်မာ|日本語|が|ｶﾞ|パ|ｱﾞ|각|각|ㅋㅋ|中文。|，|العربية|﷽|ﷺ|עִבְרִית|👨‍👩‍👧|🇫🇷🇩🇪|👍🏽|❤️|©️|e\u0301\u0323|q\u0307\u0323|\u0344|ﬁ\u0301|ﬃ|½|Ⅷ|…|“x”|``|''|```|--|\r\n|\n|\t|\u000b|\u000c|\u0085|\u00a0|\u1680|\u2003|\u200b|\u200c|\u200d|\u2028|\u202f|\u205f|\u2060|\u3000|\ufeff|\ufffd|\u0000|\u0001|\u001c|\u007f|\u008f|\u009f|\u00ad|\u061c|\u06dd\u0661|\u2581|▁x|[MASK]|[CLS]|[UNK]|<unk>|<pad>|[mask]|[ MASK ]|##s|#|@|a_b|\ud83d|\ude00".split(
    '|',
  );

/** Letters of Unicode 17, which the engine may know and the libraries beside it do not. */
const NEWER = /[\u088f\u0c5c\u0cdc]/g;

/** A line of up to about `length` units. */
export function multilingualLine(random: Random, length: number): string {
  let line = '';
  while (line.length < length) {
    const kind = random(12);
    if (kind < 4) {
      // A run of one script, as words are.
      const [first, last] = SCRIPTS[random(SCRIPTS.length)] as readonly [number, number];
      for (let left = 1 + random(8); left > 0; left--) line += String.fromCodePoint(first + random(last - first + 1));
    } else if (kind < 7) line += PARTS[random(PARTS.length)];
    else if (kind < 8) line += hostileText(random, 1 + random(12));
    else if (kind < 11) line += ' '.repeat(1 + random(random(4) === 0 ? 3 : 1));
    else line += String.fromCodePoint(random(0x1000) < 0xff0 ? random(0x3000) : random(0x110000));
  }
  return line;
}

/** Lines from a seed. */
export function multilingualLines(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => multilingualLine(random, random(60)).replaceAll(NEWER, ''));
}
