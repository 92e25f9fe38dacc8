/**
 * From start and end logits over the windows of a context to the likeliest answers.
 *
 * Source: `postprocess` and `decode_spans` of Hugging Face's question-answering pipeline.
 */
import { largest, softmax } from './scores.js';
import { wordBreaks, wordStarts } from './words.js';

/** One window over the context: its tokens and the model's logits for them. */
export interface AnswerWindow {
  /** Ranges in the context. */
  readonly offsets: readonly (readonly [start: number, end: number])[]; // (context tokens)
  /** Of `[CLS]`, which stands for no answer, then of the context's tokens. */
  readonly start_logits: Float32Array; // (1 + context tokens)
  readonly end_logits: Float32Array; // (1 + context tokens)
}

/** A stretch of the context, `[start, end)`; nothing, `[0, 0]`, for no answer. */
export interface Span {
  /** Its start's probability times its end's, each among the window's tokens. */
  readonly score: number;
  readonly start: number;
  readonly end: number;
}

export interface SpanOptions {
  readonly top_k: number;
  /** The most tokens of an answer. */
  readonly max_answer_len: number;
  /** Whether no answer may be among the answers. */
  readonly handle_impossible_answer: boolean;
  /** Whether answers are widened to whole words. */
  readonly align_to_words: boolean;
}

/**
 * The likeliest spans over all windows, best first. A span that several windows or tokens give counts once, with the
 * largest of its scores; no answer counts as in the window that is surest that there is one. Of equal scores, the span
 * that begins earlier comes first.
 */
export function bestSpans(context: string, windows: readonly AnswerWindow[], options: SpanOptions): Span[] {
  const { top_k, handle_impossible_answer, align_to_words } = options;
  const breaks = align_to_words ? wordBreaks(context) : undefined;
  const spans = new Map<number, Span>();
  let impossible = 1;
  for (const window of windows) {
    const starts = softmax(window.start_logits);
    const ends = softmax(window.end_logits);
    impossible = Math.min(impossible, (starts[0] as number) * (ends[0] as number));
    const found = spansOf(context, window, starts.subarray(1), ends.subarray(1), options.max_answer_len, breaks);
    // A span among the best of all windows is among the best of the window that scores it highest.
    for (const span of take(found, top_k)) keepBetter(spans, span, context.length);
  }
  const all = [...spans.values()];
  if (handle_impossible_answer) all.push({ score: impossible, start: 0, end: 0 });
  return take(all, top_k);
}

/** Every span of one window, each once. */
function spansOf(
  context: string,
  window: AnswerWindow,
  starts: Float64Array, // (context tokens)
  ends: Float64Array, // (context tokens)
  max_answer_len: number,
  breaks: Uint8Array | undefined,
): Span[] {
  const { offsets } = window;
  const [from, to] = bounds(context, window, breaks);
  const spans = new Map<number, Span>();
  for (let first = 0; first < offsets.length; first++) {
    for (let last = first; last < Math.min(first + max_answer_len, offsets.length); last++) {
      const [start, end] = [from[first] as number, to[last] as number];
      if (start >= end) continue;
      keepBetter(spans, { score: (starts[first] as number) * (ends[last] as number), start, end }, context.length);
    }
  }
  return [...spans.values()];
}

/** Where an answer begins that begins with each token, and where it ends: with the token, or with its word in this window. */
function bounds(context: string, window: AnswerWindow, breaks?: Uint8Array): [starts: number[], ends: number[]] {
  const { offsets } = window;
  const begins = breaks && wordStarts(context, window, breaks);
  const starts: number[] = [];
  const ends: number[] = [];
  for (const [i, [start, end]] of offsets.entries()) {
    starts.push(begins?.[i] === false ? (starts[i - 1] as number) : start);
    // A space mark without a width ends no answer: what ends there ends before the space.
    ends.push(start < end ? end : (ends[i - 1] ?? start));
  }
  for (let i = offsets.length - 2; i >= 0; i--) if (begins?.[i + 1] === false) ends[i] = ends[i + 1] as number;
  return [starts, ends];
}

/** Keeps the higher score of a span; where they are equal, the earlier. */
function keepBetter(spans: Map<number, Span>, span: Span, length: number): void {
  const key = span.start * (length + 1) + span.end;
  if (span.score > (spans.get(key)?.score ?? -1)) spans.set(key, span);
}

function take(spans: readonly Span[], top_k: number): Span[] {
  const scores = spans.map(({ score }) => score);
  return largest(scores, top_k).map((i) => spans[i] as Span);
}
