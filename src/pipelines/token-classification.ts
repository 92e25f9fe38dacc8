/** The token-classification pipeline (named entities and the like): labels of tokens, or of the stretches they make up. */
import { mismatch, type OptionNames } from '../errors.js';
import { AlbertForTokenClassification, type TokenClassificationOutput } from '../model/models.js';
import type { OpenedSource } from '../source.js';
import { type Encoding, pieceRange } from '../tokenizer/tokenizer.js';
import { type AggregationStrategy, groupEntities, labelTokens, labelWords, type ScoredToken } from './aggregation.js';
import {
  type Job,
  makePipeline,
  openModel,
  type Pipeline,
  type PipelineOptions,
  type Sequence,
  type Some,
  softmax,
  WINDOW_OPTIONS,
  type WindowOptions,
} from './pipeline.js';
import { decidedPieces } from './windows.js';
import { type WordMarks, wordStarts } from './words.js';

export type { AggregationStrategy } from './aggregation.js';

/** A stretch of the text: `word` is `text.slice(start, end)`, as the caller wrote it. */
interface Stretch {
  readonly word: string;
  /** UTF-16 units of the caller's string. */
  readonly start: number;
  readonly end: number;
  /** The label's probability; of a group, the mean of its members'. */
  readonly score: number;
}

/** A token and its likeliest label. */
export interface TokenEntity extends Stretch {
  /** As in the model's configuration: `B-PER`. */
  readonly entity: string;
  /** The token's place; `[CLS]` is 0. */
  readonly index: number;
}

/** Neighbouring tokens or words of one label. */
export interface EntityGroup extends Stretch {
  /** Without `B-` or `I-`: `PER`. */
  readonly entity_group: string;
}

export interface TokenClassificationOptions extends WindowOptions {
  /**
   * `none` (the default): each token. `simple`: groups of tokens. `first`, `average`, `max`: groups of words, each with the
   * label of its first token, of its tokens' mean probabilities, or of its surest token.
   */
  readonly aggregation_strategy?: AggregationStrategy;
  /** Labels to leave out; of groups, those without `B-` or `I-`. Default `['O']`. */
  readonly ignore_labels?: readonly string[];
}

const OPTIONS: OptionNames<TokenClassificationOptions> = {
  ...WINDOW_OPTIONS,
  aggregation_strategy: true,
  ignore_labels: true,
};

type Entities = TokenEntity[] | EntityGroup[];
type Tokens = TokenClassificationOptions & { readonly aggregation_strategy?: 'none' };
type Groups = TokenClassificationOptions & { readonly aggregation_strategy: Exclude<AggregationStrategy, 'none'> };

/** Of a text, its entities in order. */
export type TokenClassificationPipeline = Pipeline<TokenEntity[], Tokens> &
  Pipeline<EntityGroup[], Groups> &
  Pipeline<Entities, TokenClassificationOptions>;

const STRATEGIES: readonly AggregationStrategy[] = ['none', 'simple', 'first', 'average', 'max'];

export async function tokenClassification(
  source: OpenedSource,
  options: PipelineOptions,
): Promise<TokenClassificationPipeline> {
  const { model, tokenizer, texts } = await openModel(AlbertForTokenClassification, source, {
    strict: true,
    ...options,
  });
  const { id2label, num_labels } = model.config;

  const encode = (text: string, given: TokenClassificationOptions): Job<TokenClassificationOutput, Entities> => {
    const { aggregation_strategy = 'none', ignore_labels = ['O'], stride = 0 } = given;
    if (!STRATEGIES.includes(aggregation_strategy)) {
      throw mismatch('ERR_INPUT', 'aggregation_strategy', STRATEGIES.join(', '), aggregation_strategy);
    }
    if (!Array.isArray(ignore_labels))
      throw mismatch('ERR_INPUT', 'ignore_labels', 'an array of labels', ignore_labels);
    const windows = texts.windows(text, given);
    return {
      sequences: windows.map(({ input_ids }) => ({ input_ids })) as [Sequence, ...Sequence[]],
      decode(outputs) {
        const logits = outputs.map(({ logits: { data } }) => data);
        const tokens = scoreTokens(text, windows, logits, num_labels, stride, tokenizer);
        if (aggregation_strategy === 'none') {
          return labelTokens(tokens, id2label)
            .filter(({ entity }) => !ignore_labels.includes(entity))
            .map(({ start, end, ...token }) => ({ ...token, word: text.slice(start, end), start, end }));
        }
        const labelled =
          aggregation_strategy === 'simple'
            ? labelTokens(tokens, id2label)
            : labelWords(tokens, aggregation_strategy, id2label);
        return groupEntities(labelled)
          .filter(({ entity_group, start, end }) => !ignore_labels.includes(entity_group) && start < end)
          .map(({ start, end, ...group }) => ({ ...group, word: text.slice(start, end), start, end }));
      },
    };
  };
  return makePipeline(model, tokenizer, OPTIONS, encode) as TokenClassificationPipeline;
}

/** The text's tokens, each from the window that decides it. */
function scoreTokens(
  text: string,
  windows: Some<Encoding>,
  logits: readonly Float32Array[], // each (seq, num_labels)
  num_labels: number,
  stride: number,
  tokenizer: WordMarks,
): ScoredToken[] {
  const ranges = windows.map((window) => pieceRange(window));
  const decided = decidedPieces(
    ranges.map(([start, end]) => end - start),
    stride,
  );
  const places = decided.flatMap(([from, to], window) => {
    const [first] = ranges[window] as [number, number];
    return Array.from({ length: to - from }, (_, i) => ({ window, row: first + from + i }));
  });
  const spelled = {
    tokens: places.map(({ window, row }) => windows[window]?.tokens[row] as string),
    offsets: places.map(({ window, row }) => windows[window]?.offsets[row] as [number, number]),
  };
  const starts = wordStarts(text, spelled, tokenizer);
  return places.map(({ window, row }, i) => {
    const [start, end] = spelled.offsets[i] as [number, number];
    const scores = softmax((logits[window] as Float32Array).subarray(row * num_labels, (row + 1) * num_labels));
    return { scores, index: i + 1, start, end, startsWord: starts[i] as boolean };
  });
}
