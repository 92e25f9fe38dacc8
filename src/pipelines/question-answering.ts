/** The question-answering pipeline: the stretches of a context that answer a question. */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import type { OpenedSource } from '../ground/source.js';
import { AlbertForQuestionAnswering, type QuestionAnsweringOutput } from '../model/models.js';
import { type AlbertTokenizer, type Encoding, pieceRange } from '../tokenizer/tokenizer.js';
import { checkCount, checkTexts } from './checks.js';
import { CALL_OPTIONS, type CallOptions, type Job, type Some } from './jobs.js';
import { makePipeline, openModel, type Pipeline, type PipelineOptions } from './pipeline.js';
import { type AnswerWindow, bestSpans } from './spans.js';
import { sequencesOf } from './texts.js';

/** A question, and the text that answers it. */
export interface QuestionInput {
  readonly question: string;
  /** The text to search for the answer, of any length. */
  readonly context: string;
}

/** A stretch of the context. */
export interface QuestionAnswer {
  /** Its start's probability times its end's. */
  readonly score: number;
  /** UTF-16 units of the caller's context. */
  readonly start: number;
  readonly end: number;
  /** `context.slice(start, end)`; empty if no answer is the likeliest. */
  readonly answer: string;
}

export interface QuestionAnsweringOptions extends CallOptions {
  /**
   * How many answers to return. 1 (the default): the best, or an empty one with a score of 0. More: a list, best first, shorter
   * if there are fewer answers.
   */
  readonly top_k?: number;
  /** The most tokens of an answer. Default: 15. */
  readonly max_answer_len?: number;
  /** Tokens of a window: the question, a part of the context and three special ones. Default: 384, or the model's most if it is less. */
  readonly max_seq_len?: number;
  /** Pieces of the context that neighbouring windows share. Default: 128, or half of a window's context if it is less. */
  readonly doc_stride?: number;
  /** Whether the empty answer may be returned, for contexts without an answer. Default: false. */
  readonly handle_impossible_answer?: boolean;
  /** Extends answers to whole words. Default: true. */
  readonly align_to_words?: boolean;
}

const OPTIONS: OptionNames<QuestionAnsweringOptions> = {
  ...CALL_OPTIONS,
  top_k: true,
  max_answer_len: true,
  max_seq_len: true,
  doc_stride: true,
  handle_impossible_answer: true,
  align_to_words: true,
};

/** One answer, or a list, depending on `top_k`; either of them if the compiler does not know `top_k`. */
export type QuestionAnswers<Count> = [number] extends [Count]
  ? QuestionAnswer | QuestionAnswer[]
  : Count extends 1 | undefined
    ? QuestionAnswer
    : QuestionAnswer[];

/** Gives the likeliest answer or answers to a question in a context; the type follows a `top_k` that the compiler knows. */
export interface QuestionAnsweringPipeline
  extends Pipeline<QuestionAnswer | QuestionAnswer[], QuestionAnsweringOptions, QuestionInput> {
  <Input extends QuestionInput | readonly QuestionInput[], const Count extends number | undefined = undefined>(
    input: Input,
    options?: QuestionAnsweringOptions & { readonly top_k?: Count },
  ): Promise<Input extends readonly QuestionInput[] ? QuestionAnswers<Count>[] : QuestionAnswers<Count>>;
}

/** The answer if no piece of the context has a width, so that no piece can be an answer. */
const NO_ANSWER: QuestionAnswer = { score: 0, start: 0, end: 0, answer: '' };

const MAX_SEQ_LEN = 384;
const DOC_STRIDE = 128;

export async function questionAnswering(
  source: OpenedSource,
  options: PipelineOptions,
): Promise<QuestionAnsweringPipeline> {
  const { model, tokenizer, texts } = await openModel(AlbertForQuestionAnswering, source, { strict: true, ...options });
  const encode = (
    input: QuestionInput,
    given: QuestionAnsweringOptions,
  ): Job<QuestionAnsweringOutput, QuestionAnswer | QuestionAnswer[]> => {
    checkTexts(input, 'question', 'context');
    const { context } = input;
    const { top_k = 1, max_answer_len = 15, handle_impossible_answer = false, align_to_words = true } = given;
    checkCount('top_k', top_k);
    checkCount('max_answer_len', max_answer_len);
    const windows = encodeWindows(tokenizer, input, texts.longest, given);
    return {
      sequences: sequencesOf(windows),
      decode(outputs) {
        const scored = windows.map((window, i) => answerWindow(window, outputs[i] as QuestionAnsweringOutput));
        const wanted = { top_k, max_answer_len, handle_impossible_answer, align_to_words };
        const spans = bestSpans(context, scored, wanted);
        const answers = spans.map((span) => ({ ...span, answer: context.slice(span.start, span.end) }));
        return top_k === 1 ? (answers[0] ?? NO_ANSWER) : answers;
      },
    };
  };
  return makePipeline(model, tokenizer, OPTIONS, encode) as QuestionAnsweringPipeline;
}

/** The question with each stretch of the context that fits beside it. */
function encodeWindows(
  tokenizer: AlbertTokenizer,
  { question, context }: QuestionInput,
  longest: number,
  { max_seq_len = Math.min(MAX_SEQ_LEN, longest), doc_stride }: QuestionAnsweringOptions,
): Some<Encoding> {
  if (!Number.isSafeInteger(max_seq_len) || max_seq_len < 1 || max_seq_len > longest) {
    throw mismatch('ERR_INPUT', 'max_seq_len', `an integer from 1 to ${longest}`, max_seq_len);
  }
  const pieces = tokenizer.encode(question, { add_special_tokens: false }).input_ids.length;
  const surrounding = tokenizer.num_special_tokens_to_add(true);
  const room = max_seq_len - surrounding - pieces;
  if (pieces === 0) throw mismatch('ERR_INPUT', 'question', 'a question', question);
  if (room < 1) {
    const most = max_seq_len - surrounding - 1;
    throw mismatch('ERR_TOO_LONG', 'question', `at most ${most} pieces, to leave the context room`, pieces);
  }
  const stride = doc_stride ?? Math.min(DOC_STRIDE, Math.floor(room / 2));
  if (!Number.isSafeInteger(stride) || stride < 0 || stride >= room) {
    throw mismatch('ERR_INPUT', 'doc_stride', `an integer from 0 to below ${room}, a window's context`, stride);
  }
  const encoding = tokenizer.encode(question, {
    text_pair: context,
    truncation: 'only_second',
    max_length: max_seq_len,
    stride,
  });
  if (!encoding.sequence_ids.includes(1)) throw mismatch('ERR_INPUT', 'context', 'a text', context);
  return [encoding, ...encoding.overflowing];
}

/** The tokens that answers are made of, and their logits. */
function answerWindow(encoding: Encoding, { start_logits, end_logits }: QuestionAnsweringOutput): AnswerWindow {
  const { offsets } = encoding;
  const [from, to] = pieceRange(encoding, 1);
  const allowed = ({ data }: { data: Float32Array }) => Float32Array.of(data[0] as number, ...data.subarray(from, to));
  return {
    offsets: offsets.slice(from, to),
    start_logits: allowed(start_logits),
    end_logits: allowed(end_logits),
  };
}
