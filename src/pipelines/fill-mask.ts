/** The fill-mask pipeline: the likeliest words for each `[MASK]` of a text, or for all of them together. */
import { mismatch, type OptionNames } from '../errors.js';
import { AlbertForMaskedLM, type MaskedLMOutput } from '../model/models.js';
import type { OpenedSource } from '../source.js';
import { type AlbertTokenizer, type Encoding, pieceRange } from '../tokenizer/tokenizer.js';
import { checkTextList, checkTopK } from './checks.js';
import { type Filling, fillTogether } from './fill-together.js';
import type { Job, Sequence } from './jobs.js';
import { makePipeline, openModel, type Pipeline, type PipelineOptions } from './pipeline.js';
import { largest, likeliest, softmax } from './scores.js';
import { TEXT_OPTIONS, type TextOptions } from './texts.js';

/** One word for one mask. */
export interface FilledMask {
  /** Its probability; of several pieces, each one's with masks in place of all of them, multiplied. */
  readonly score: number;
  /** The id of the word's piece, or of its first. */
  readonly token: number;
  /** The ids of all pieces, of a target of several. */
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
  /** A piece for each mask, in order. */
  readonly tokens: readonly number[];
  /** The words, decoded. */
  readonly token_strs: readonly string[];
  /** The whole text with every mask filled, decoded. */
  readonly sequence: string;
}

export interface FillMaskOptions extends TextOptions {
  /** How many words to return for each mask, or texts with `joint`, best first; null for all, of texts for 100. Default 5. */
  readonly top_k?: number | null;
  /**
   * Considers these words only; their scores stay those among all words. One of several pieces is scored with as many masks in
   * its place, so that words of different lengths are not quite alike.
   */
  readonly targets?: string | readonly string[];
  /**
   * Fills all masks together: each word is looked for with those before it in place, and the likeliest texts are kept. Takes a
   * run of the model for each mask. Default false: each mask alone.
   */
  readonly joint?: boolean;
}

const OPTIONS: OptionNames<FillMaskOptions> = {
  ...TEXT_OPTIONS,
  top_k: true,
  targets: true,
  joint: true,
};

/** Texts that are looked for with `joint`, at most: each is a run of the model for each mask. */
const MAX_FILLINGS = 100;

/** A text's tokens, and where its masks are. */
interface Masked extends Sequence {
  readonly input_ids: number[];
  readonly masks: number[];
  /** Of a text whose masks are filled together, how many fillings are kept. */
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

  /** Each mask alone: a sequence for words of one piece, and one for each mask and each other length of words. */
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
        const places = Array.from({ length }, (_, i) => position + i);
        return {
          input_ids: [
            ...input_ids.slice(0, position),
            ...places.map(() => tokenizer.mask_token_id),
            ...input_ids.slice(position + 1),
          ],
          masks: places,
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
            const rows = Array.from({ length }, (_, place) => rowOf(output, place));
            return (words ?? [])
              .filter((pieces) => pieces.length === length)
              .map((pieces) => {
                const score = pieces.reduce((product, id, place) => product * (rows[place]?.[id] as number), 1);
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
    // A sign that no word begins with is a piece of its own after the mark of a space, which has no width.
    const pieces = input_ids.length > 1 && offsets[0]?.[0] === offsets[0]?.[1] ? input_ids.slice(1) : input_ids;
    if (pieces.length === 0 || pieces.includes(tokenizer.unk_token_id)) {
      throw mismatch('ERR_INPUT', 'targets', 'words that the vocabulary can spell', word, `[${i}]`);
    }
    // A tokenizer may know more than the model it stands beside.
    const beyond = pieces.find((id) => id >= vocabSize);
    if (beyond !== undefined) {
      throw mismatch('ERR_INPUT', 'targets', `pieces below the model's vocab_size of ${vocabSize}`, beyond, `[${i}]`);
    }
    found.set(pieces.join(), pieces);
  }
  return [...found.values()];
}
