/**
 * Where a text that is too long for the model is cut, and the windows that hold what was cut off.
 *
 * Source: `truncate_encodings` and `Encoding::truncate` of Hugging Face's tokenizers, cutting on the right.
 */
import { mismatch } from '../ground/errors.js';

/** Which text of a pair loses tokens: the longer one, token by token, or the named one. */
export type TruncationStrategy = 'longest_first' | 'only_first' | 'only_second';

/** A window `[start, end)` over the pieces of one text. */
export type Window = readonly [start: number, end: number];

/**
 * The windows of one text, or of two: the first of each is what the encoding keeps.
 *
 * @param lengths pieces of the text, and of the second text of a pair
 * @param room pieces that fit beside the special tokens
 * @param stride pieces that neighbouring windows share
 * @throws ERR_INPUT when the strategy cannot make the texts fit, or the stride leaves a window no new piece
 */
export function cutWindows(
  lengths: readonly number[],
  room: number,
  strategy: TruncationStrategy,
  stride: number,
): Window[][] {
  const kept = keptLengths(lengths, room, strategy);
  return lengths.map((length, i) => windows(length, kept[i] as number, stride));
}

function keptLengths(lengths: readonly number[], room: number, strategy: TruncationStrategy): readonly number[] {
  const [first = 0, second] = lengths;
  const surplus = first + (second ?? 0) - room;
  if (surplus <= 0) return lengths;
  if (strategy === 'longest_first') {
    return second === undefined ? [room] : longestFirst(first, second, room);
  }
  const target = strategy === 'only_first' ? 0 : 1;
  const length = lengths[target] as number;
  if (length <= surplus) {
    const expected = `a strategy that can cut ${surplus} pieces`;
    throw mismatch('ERR_INPUT', 'truncation', expected, `${strategy}, whose text has ${length}`);
  }
  return lengths.map((other, i) => (i === target ? length - surplus : other));
}

/** The shorter text stays whole when it leaves the other at least its own length; otherwise both get half. */
function longestFirst(first: number, second: number, room: number): readonly number[] {
  const shorter = Math.min(first, second);
  const longer = Math.max(shorter, room - shorter);
  const [less, more] = shorter + longer > room ? [room >> 1, (room >> 1) + (room % 2)] : [shorter, longer];
  return first > second ? [more, less] : [less, more];
}

function windows(length: number, kept: number, stride: number): Window[] {
  if (kept >= length) return [[0, length]];
  if (stride >= kept) throw mismatch('ERR_INPUT', 'stride', `a stride < ${kept}, the pieces of a window`, stride);
  const result: Window[] = [];
  for (let start = 0; ; start += kept - stride) {
    const end = Math.min(start + kept, length);
    result.push([start, end]);
    if (end === length) return result;
  }
}
