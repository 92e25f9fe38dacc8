/** Answers in texts: windows over the text, each with the answer's first and last token, or with `[CLS]` if it has no answer. */
import { mismatch } from '../../ground/errors.js';
import { AlbertForQuestionAnswering } from '../../model/models.js';
import { type AnswerWindow, bestSpans } from '../../pipelines/spans.js';
import { type Encoding, pieceRange } from '../../tokenizer/tokenizer.js';
import type { Answer } from '../data/examples.js';
import { answerScores } from '../metrics/squad.js';
import { crossEntropy, type Feature, labelConfig, type TokenInputs, type TrainableTask } from './task.js';

interface WindowFeature extends Feature {
  readonly inputs: TokenInputs;
  /** The answer's first and last token. */
  readonly start: number;
  readonly end: number;
  /** The window's tokens of the text, `[from, to)`, and the range of each in the text. */
  readonly range: readonly [from: number, to: number];
  readonly offsets: readonly (readonly [start: number, end: number])[];
}

/** As transformers' `run_qa`: tokens that neighbouring windows share, at most, and the most tokens of an answer. */
const DOC_STRIDE = 128;
const MAX_ANSWER_LENGTH = 30;

export const questionAnswering: TrainableTask<'question-answering', WindowFeature> = {
  Class: AlbertForQuestionAnswering,

  config: () => ({ ...labelConfig(['LABEL_0', 'LABEL_1']), problem_type: undefined }),

  features({ question, context, answers }, example, { tokenizer, max_seq_length }) {
    const pieces = tokenizer.encode(question, { add_special_tokens: false, return_offsets: false }).input_ids.length;
    const room = max_seq_length - tokenizer.num_special_tokens_to_add(true) - pieces;
    if (pieces === 0 || room < 1) {
      throw mismatch('ERR_INPUT', 'question', `1 to ${pieces + room - 1} tokens, to leave the context room`, pieces);
    }
    const encoding = tokenizer.encode(question, {
      text_pair: context,
      truncation: 'only_second',
      max_length: max_seq_length,
      stride: Math.min(DOC_STRIDE, Math.floor(room / 2)),
    });
    return [encoding, ...encoding.overflowing].map((window) => {
      const { input_ids, token_type_ids, offsets } = window;
      const range = pieceRange(window, 1);
      const [start, end] = answers.length === 0 ? [0, 0] : tokensOf(window, range, answers[0] as Answer);
      const inputs = { input_ids, token_type_ids };
      return { example, inputs, tokens: input_ids.length, start, end, range, offsets: offsets.slice(...range) };
    });
  },

  batch: (features) => ({
    inputs: features.map(({ inputs }) => inputs),
    labels: {
      start_positions: features.map(({ start }) => start),
      end_positions: features.map(({ end }) => end),
    },
  }),

  async evaluate(model, features, _context, signal) {
    const outputs = await (model as AlbertForQuestionAnswering).forwardEach(
      features.map(({ inputs }) => inputs),
      { signal },
    );
    let loss = 0;
    const predictions = features.map(({ start, end, range: [from, to], offsets }, i): AnswerWindow => {
      const { start_logits, end_logits } = outputs[i] as (typeof outputs)[number];
      loss += (crossEntropy(start_logits.data, start) + crossEntropy(end_logits.data, end)) / 2;
      const read = ({ data }: { data: Float32Array }) => Float32Array.of(data[0] as number, ...data.subarray(from, to));
      return { offsets, start_logits: read(start_logits), end_logits: read(end_logits) };
    });
    return { predictions, loss, counted: features.length };
  },

  metrics: () => ['exact_match', 'f1'],

  summarize({ examples }, features, outcomes) {
    const windows = examples.map((): AnswerWindow[] => []);
    for (const [i, { example }] of features.entries()) windows[example]?.push(outcomes[i] as AnswerWindow);
    const options = {
      top_k: 1,
      max_answer_len: MAX_ANSWER_LENGTH,
      // Only where questions without an answer were learned.
      handle_impossible_answer: examples.some(({ answers }) => answers.length === 0),
      align_to_words: true,
    };
    const predictions = examples.map(({ context }, i) => {
      const [best] = bestSpans(context, windows[i] as AnswerWindow[], options);
      return best === undefined ? '' : context.slice(best.start, best.end);
    });
    const label_ids = examples.map(({ answers }) => answers.map(({ text }) => text));
    return { predictions, label_ids, metrics: { ...answerScores(predictions, label_ids) } };
  },
};

/** The answer's first and last token in a window; `[0, 0]` if the window does not have all of it. */
function tokensOf(
  { offsets }: Encoding,
  [from, to]: readonly [number, number],
  { text, answer_start }: Answer,
): [number, number] {
  const answer_end = answer_start + text.length;
  let [start, end] = [0, 0];
  for (let token = from; token < to; token++) {
    const [begin, stop] = offsets[token] as readonly [number, number];
    if (start === 0 && stop > answer_start && begin < answer_end) start = token;
    if (begin < answer_end && stop > answer_start) end = token;
  }
  const [first, last] = [offsets[from], offsets[to - 1]];
  const whole = first !== undefined && last !== undefined && first[0] <= answer_start && last[1] >= answer_end;
  return whole && start > 0 ? [start, end] : [0, 0];
}
