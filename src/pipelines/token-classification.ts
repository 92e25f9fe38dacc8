/** The token-classification pipeline (named entities and the like): labels of tokens, or of the stretches they make up. */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import type { OpenedSource } from '../ground/source.js';
import { AlbertForTokenClassification, type TokenClassificationOutput } from '../model/models.js';
import { type Encoding, pieceRange } from '../tokenizer/tokenizer.js';
import { type AggregationStrategy, groupEntities, labelTokens, labelWords, type ScoredToken } from './aggregation.js';
import type { Job, Sequence, Some } from './jobs.js';
import { makePipeline, openModel, type Pipeline, type PipelineOptions } from './pipeline.js';
import { softmax } from './scores.js';
import { WINDOW_OPTIONS, type WindowOptions } from './texts.js';
import { decidedPieces } from './windows.js';
import { wordStarts } from './words.js';

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
  /** The token's index; `[CLS]` is 0. */
  readonly index: number;
}

/** A word of a text that was split into words, and its label. */
export interface WordEntity {
  readonly word: string;
  /** As in the model's configuration: `B-PER`. */
  readonly entity: string;
  /** The label's probability. */
  readonly score: number;
  /** The word's index in the array of words. */
  readonly index: number;
}

/** Neighbouring tokens or words of one label. */
export interface EntityGroup extends Stretch {
  /** Without `B-` or `I-`: `PER`. */
  readonly entity_group: string;
}

export interface TokenClassificationOptions extends WindowOptions {
  /**
   * `none`: each token. `simple`: groups of tokens. `first`, `average`, `max`: groups of words, each with the label of its first
   * token, of its tokens' mean probabilities, or of its most certain token. Default: `none`.
   */
  readonly aggregation_strategy?: AggregationStrategy;
  /**
   * Labels to leave out; of groups, without `B-` or `I-`. Default: `['O']`, or none if the caller has split the text into words and
   * `aggregation_strategy` is `none`.
   */
  readonly ignore_labels?: readonly string[];
  /**
   * Whether the text is an array of words. `none` gives each word the label of its first token. Groups are of words, with `start` and
   * `end` as indices of words and `word` joined by spaces; `simple` is `first`. A word without a token, such as an empty one, has no
   * label. Default: false.
   */
  readonly is_split_into_words?: boolean;
}

const OPTIONS: OptionNames<TokenClassificationOptions> = {
  ...WINDOW_OPTIONS,
  aggregation_strategy: true,
  ignore_labels: true,
  is_split_into_words: true,
};

type Entities = TokenEntity[] | EntityGroup[] | WordEntity[];
type Whole = TokenClassificationOptions & { readonly is_split_into_words?: false };
type Split = TokenClassificationOptions & { readonly is_split_into_words: true };
type Tokens = { readonly aggregation_strategy?: 'none' };
type Groups = { readonly aggregation_strategy: Exclude<AggregationStrategy, 'none'> };
type Words = readonly string[];

/** Gives the entities of a text, or of its words, in order. */
export type TokenClassificationPipeline = Pipeline<TokenEntity[], Whole & Tokens> &
  Pipeline<EntityGroup[], Whole & Groups> &
  Pipeline<WordEntity[], Split & Tokens, Words> &
  Pipeline<EntityGroup[], Split & Groups, Words> &
  Pipeline<WordEntity[] | EntityGroup[], Split, Words> &
  Pipeline<TokenEntity[] | EntityGroup[], Whole>;

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

  const encode = (
    text: string | Words,
    given: TokenClassificationOptions,
  ): Job<TokenClassificationOutput, Entities> => {
    const { aggregation_strategy = 'none', stride = 0 } = given;
    if (!STRATEGIES.includes(aggregation_strategy)) {
      throw mismatch('ERR_INPUT', 'aggregation_strategy', STRATEGIES.join(', '), aggregation_strategy);
    }
    const { is_split_into_words: split = false } = given;
    if (split !== Array.isArray(text))
      throw mismatch('ERR_INPUT', 'text', split ? 'an array of words' : 'a string', text);
    const { ignore_labels = split && aggregation_strategy === 'none' ? [] : ['O'] } = given;
    if (!Array.isArray(ignore_labels))
      throw mismatch('ERR_INPUT', 'ignore_labels', 'an array of labels', ignore_labels);
    const windows = texts.windows(text, given, { is_split_into_words: split });
    /** A part of the text as the caller wrote it; of words, the words. */
    const spelling = ({ start, end }: { readonly start: number; readonly end: number }) =>
      text.slice(start, end) as string | string[];
    return {
      sequences: windows.map(({ input_ids }) => ({ input_ids })) as [Sequence, ...Sequence[]],
      decode(outputs) {
        const logits = outputs.map(({ logits: { data } }) => data);
        const tokens = scoreTokens(windows, logits, num_labels, stride);
        if (aggregation_strategy === 'none') {
          const labelled = split ? labelWords(markWords(tokens), 'first', id2label) : labelTokens(tokens, id2label);
          return labelled
            .filter(({ entity }) => !ignore_labels.includes(entity))
            .map(({ start, end, ...token }) =>
              split
                ? { ...token, index: start, word: text[start] as string }
                : { ...(token as Omit<TokenEntity, 'word'>), word: text.slice(start, end) as string, start, end },
            ) as Entities;
        }
        const strategy = split && aggregation_strategy === 'simple' ? 'first' : aggregation_strategy;
        const labelled =
          strategy === 'simple'
            ? labelTokens(tokens, id2label)
            : labelWords(typeof text === 'string' ? markWordsOf(text, tokens) : markWords(tokens), strategy, id2label);
        return groupEntities(labelled, id2label)
          .filter(({ entity_group, start, end }) => !ignore_labels.includes(entity_group) && start < end)
          .map(({ start, end, ...group }) => {
            const word = spelling({ start, end });
            return { ...group, word: typeof word === 'string' ? word : word.join(' '), start, end };
          });
      },
    };
  };
  const isBatch = (input: unknown, { is_split_into_words = false }: TokenClassificationOptions) => {
    if (typeof is_split_into_words !== 'boolean') {
      throw mismatch('ERR_INPUT', 'is_split_into_words', 'true or false', is_split_into_words);
    }
    return Array.isArray(input) && (!is_split_into_words || Array.isArray(input[0]));
  };
  return makePipeline(model, tokenizer, OPTIONS, encode, undefined, isBatch) as unknown as TokenClassificationPipeline;
}

/** A token's scores and its range: in the text, or, of split words, the word's index and the next. */
type LocatedToken = Omit<ScoredToken, 'startsWord'>;

/** The text's tokens, each from the window that decides it. */
function scoreTokens(
  windows: Some<Encoding>,
  logits: readonly Float32Array[], // each (seq, num_labels)
  num_labels: number,
  stride: number,
): LocatedToken[] {
  const ranges = windows.map((window) => pieceRange(window));
  const decided = decidedPieces(
    ranges.map(([start, end]) => end - start),
    stride,
  );
  let index = 0;
  return windows.flatMap(({ offsets, word_ids }, window) => {
    const [[first], [from, to]] = [ranges[window] as [number, number], decided[window] as [number, number]];
    return Array.from({ length: to - from }, (_, i) => {
      const row = first + from + i;
      const word = word_ids?.[row];
      const [start, end] = typeof word === 'number' ? [word, word + 1] : (offsets[row] as [number, number]);
      const scores = softmax((logits[window] as Float32Array).subarray(row * num_labels, (row + 1) * num_labels));
      return { scores, index: ++index, start, end };
    });
  });
}

/** Words by Unicode's rules. */
function markWordsOf(text: string, tokens: readonly LocatedToken[]): ScoredToken[] {
  const starts = wordStarts(text, { offsets: tokens.map(({ start, end }) => [start, end] as const) });
  return tokens.map((token, i) => ({ ...token, startsWord: starts[i] as boolean }));
}

/** The caller's words. */
function markWords(tokens: readonly LocatedToken[]): ScoredToken[] {
  return tokens.map((token, i) => ({ ...token, startsWord: token.start !== tokens[i - 1]?.start }));
}
