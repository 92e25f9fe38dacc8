/** The fill-mask pipeline: the likeliest words for each `[MASK]` of a text, or for all of them together. */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import type { OpenedSource } from '../ground/source.js';
import { AlbertForMaskedLM, type MaskedLMOutput } from '../model/models.js';
import { type AlbertTokenizer, type Encoding, pieceRange } from '../tokenizer/tokenizer.js';
import { checkTextList, checkTopK } from './checks.js';
import { type Filling, fillTogether } from './fill-together.js';
import type { Job, Sequence } from './jobs.js';
import { makePipeline, openModel, type Pipeline, type PipelineOptions } from './pipeline.js';
import { largest, likeliest, softmax } from './scores.js';
import { TEXT_OPTIONS, type TextOptions } from './texts.js';

/** One word for one mask. */
export interface FilledMask {
  /** The word's probability; for a word of several pieces, the product of theirs, each with masks at all of their positions. */
  readonly score: number;
  /** The id of the word's piece, or of its first. */
  readonly token: number;
  /** The ids of all pieces, if a target has several. */
  readonly tokens?: readonly number[];
  /** The word, decoded. */
  readonly token_str: string;
  /** The whole text with this mask filled, decoded; other masks stay. */
  readonly sequence: string;
}

/** One word for each mask of a text. */
export interface FilledText {
  /** The first word's probability, times the second's after that, and so on. */
  readonly score: number;
  /** One piece per mask, in order. */
  readonly tokens: readonly number[];
  /** The words, decoded. */
  readonly token_strs: readonly string[];
  /** The whole text with every mask filled, decoded. */
  readonly sequence: string;
}

export interface FillMaskOptions extends TextOptions {
  /** How many words to return per mask, or texts with `joint`, best first; null: all words, or 100 texts. Default: 5. */
  readonly top_k?: number | null;
  /**
   * Considers these words only; their scores are still those among all words. A word of several pieces is scored with as many
   * masks, so scores of words of different lengths are not fully comparable.
   */
  readonly targets?: string | readonly string[];
  /**
   * Fills all masks together: each word is chosen given the words before it, and the likeliest texts are kept. Runs the model
   * once per mask. Default: false, each mask by itself.
   */
  readonly joint?: boolean;
}

const OPTIONS: OptionNames<FillMaskOptions> = {
  ...TEXT_OPTIONS,
  top_k: true,
  targets: true,
  joint: true,
};

/** The most texts to find with `joint`: the model runs each of them once per mask. */
const MAX_FILLINGS = 100;

/** A text's tokens, and where its masks are. */
interface Masked extends Sequence {
  readonly input_ids: number[];
  readonly masks: number[];
  /** How many fillings to keep, if the masks are filled together. */
  readonly fillings?: number;
  readonly allowed?: readonly number[] | undefined;
}

interface Output extends MaskedLMOutput {
  readonly fillings?: readonly Filling[];
}

/** For each mask of a text, in order, its likeliest words; with `joint`, the likeliest texts. */
export type FillMaskPipeline = Pipeline<FilledMask[][], FillMaskOptions & { readonly joint?: false }> &
  Pipeline<FilledText[], FillMaskOptions & { readonly joint: true }> &
  Pipeline<FilledMask[][], Omit<FillMaskOptions, 'joint'>>;

export async function fillMask(source: OpenedSource, options: PipelineOptions): Promise<FillMaskPipeline> {
  const { model, tokenizer, texts } = await openModel(AlbertForMaskedLM, source, { strict: true, ...options });
  const { vocab_size } = model.config;
  const encode = (
    text: string,
    { top_k = 5, targets, joint = false, truncation }: FillMaskOptions,
  ): Job<Output, FilledMask[][] | FilledText[], Masked> => {
    const count = checkTopK(top_k);
    if (typeof joint !== 'boolean') throw mismatch('ERR_INPUT', 'joint', 'true or false', joint);
    const words = targets === undefined ? undefined : targetPieces(tokenizer, targets, vocab_size);
    const encoding = texts.encode(text, { truncation });
    const { input_ids } = encoding;
    const masks = input_ids.flatMap((id, position) => (id === tokenizer.mask_token_id ? [position] : []));
    if (masks.length === 0) {
      const expected = `${tokenizer.mask_token} among the first ${texts.longest} tokens`;
      throw mismatch('ERR_INPUT', 'text', expected, text);
    }
    const allowed = words?.filter(({ length }) => length === 1).map(([id]) => id as number);
    if (!joint) return fillEach(encoding, masks, count, words, allowed);
    if (words?.length !== allowed?.length)
      throw mismatch('ERR_INPUT', 'targets', 'words of one piece with joint', targets);
    return {
      sequences: [{ input_ids, masks, fillings: Math.min(count, MAX_FILLINGS), allowed }],
      decode: ([{ fillings = [] }]) =>
        fillings.slice(0, count).map(({ score, ids, tokens }) => ({
          score,
          tokens,
          token_strs: tokens.map((token) => tokenizer.decode([token])),
          sequence: tokenizer.decode(ids.slice(...pieceRange(encoding))),
        })),
    };
  };
  // Logits at the masks only: those of every token of a run would be 33 MB for 16,000 words.
  const forward = async (sequences: readonly Masked[], call: { signal?: AbortSignal }): Promise<Output[]> => {
    const at = (inputs: readonly { input_ids: number[] }[], positions: readonly number[][]) =>
      model.forwardAt(inputs, positions, call);
    const outputs: Output[] = await at(
      sequences.map(({ input_ids }) => ({ input_ids })),
      sequences.map(({ masks }) => masks),
    );
    for (const [i, { input_ids, masks, fillings, allowed }] of sequences.entries()) {
      if (fillings === undefined) continue;
      const output = outputs[i] as Output;
      const first = output.logits.data.subarray(0, vocab_size);
      outputs[i] = { ...output, fillings: await fillTogether({ input_ids, masks, fillings, allowed }, first, at) };
    }
    return outputs;
  };
  return makePipeline(model, tokenizer, OPTIONS, encode, forward) as unknown as FillMaskPipeline;

  /** Each mask by itself: one sequence for words of one piece, and one per mask and other length of words. */
  function fillEach(
    encoding: Encoding,
    masks: number[],
    top_k: number,
    words: readonly (readonly number[])[] | undefined,
    allowed: readonly number[] | undefined,
  ): Job<Output, FilledMask[][], Masked> {
    const { input_ids } = encoding;
    const [from, to] = pieceRange(encoding);
    const lengths = [...new Set(words?.map(({ length }) => length))].filter((length) => length > 1);
    const most = input_ids.length - 1 + Math.max(1, ...lengths);
    if (most > texts.longest) {
      throw mismatch(
        'ERR_TOO_LONG',
        'text',
        `at most ${texts.longest} tokens with a target in place of the mask`,
        most,
      );
    }
    const wider = masks.flatMap((position) =>
      lengths.map((length): Masked => {
        const positions = Array.from({ length }, (_, i) => position + i);
        return {
          input_ids: [
            ...input_ids.slice(0, position),
            ...positions.map(() => tokenizer.mask_token_id),
            ...input_ids.slice(position + 1),
          ],
          masks: positions,
        };
      }),
    );
    const filled = (position: number, pieces: readonly number[], score: number): FilledMask => ({
      score,
      token: pieces[0] as number,
      ...(pieces.length > 1 && { tokens: pieces }),
      token_str: tokenizer.decode(pieces),
      sequence: tokenizer.decode([...input_ids.slice(from, position), ...pieces, ...input_ids.slice(position + 1, to)]),
    });
    return {
      sequences: [{ input_ids, masks }, ...wider],
      decode([each, ...others]) {
        return masks.map((position, i) => {
          const scores = rowOf(each, i);
          const found = likeliest(scores, top_k, allowed).map((id) => filled(position, [id], scores[id] as number));
          const longer = lengths.flatMap((length, j) => {
            const output = others[i * lengths.length + j] as Output;
            const rows = Array.from({ length }, (_, k) => rowOf(output, k));
            return (words ?? [])
              .filter((pieces) => pieces.length === length)
              .map((pieces) => {
                const score = pieces.reduce((product, id, k) => product * (rows[k]?.[id] as number), 1);
                return filled(position, pieces, score);
              });
          });
          if (longer.length === 0) return found;
          const all = [...found, ...longer];
          const order = largest(
            all.map(({ score }) => score),
            top_k,
          );
          return order.map((k) => all[k] as FilledMask);
        });
      },
    };
  }

  function rowOf({ logits }: Output, row: number): Float64Array {
    return softmax(logits.data.subarray(row * vocab_size, (row + 1) * vocab_size));
  }
}

/** Each word's pieces, each word once. @throws ERR_INPUT for a word that the vocabulary does not spell, with its index */
function targetPieces(tokenizer: AlbertTokenizer, targets: string | readonly string[], vocabSize: number): number[][] {
  const words = typeof targets === 'string' ? [targets] : targets;
  checkTextList('targets', words);
  const found = new Map<string, number[]>();
  for (const [i, word] of words.entries()) {
    const { input_ids, offsets } = tokenizer.encode(word, { add_special_tokens: false });
    // Before a sign that does not begin a word, the space mark is a piece by itself, without a width.
    const pieces = input_ids.length > 1 && offsets[0]?.[0] === offsets[0]?.[1] ? input_ids.slice(1) : input_ids;
    if (pieces.length === 0 || pieces.includes(tokenizer.unk_token_id)) {
      throw mismatch('ERR_INPUT', 'targets', 'words that the vocabulary can spell', word, `[${i}]`);
    }
    // A tokenizer may have more pieces than the model beside it.
    const beyond = pieces.find((id) => id >= vocabSize);
    if (beyond !== undefined) {
      throw mismatch('ERR_INPUT', 'targets', `pieces below the model's vocab_size of ${vocabSize}`, beyond, `[${i}]`);
    }
    found.set(pieces.join(), pieces);
  }
  return [...found.values()];
}
