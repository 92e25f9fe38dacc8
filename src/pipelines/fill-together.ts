/** All masks of a text filled together: a beam search from the first mask to the last. */
import type { MaskedLMOutput } from '../model/models.js';
import { checkFinite, RUN_TOKENS } from './jobs.js';
import { largest, likeliest, softmax } from './scores.js';

/** A text some of whose masks are filled. */
export interface Filling {
  /** The probability of each word after those before it, multiplied. */
  readonly score: number;
  readonly ids: number[]; // (seq)
  /** One piece per filled mask. */
  readonly tokens: readonly number[];
}

export interface MaskedText {
  readonly input_ids: number[]; // (seq)
  /** Increasing positions. */
  readonly masks: readonly number[];
  /** How many texts to find. */
  readonly fillings: number;
  /** The pieces that may be filled in; default: all. */
  readonly allowed?: readonly number[] | undefined;
}

/** The fewest texts to keep at each mask: the best beginning is not always that of the best text. */
const MIN_BEAMS = 8;

/** Runs the model, with logits at some positions of each input. */
type Forward = (
  inputs: readonly { input_ids: number[] }[],
  positions: readonly number[][],
) => Promise<readonly MaskedLMOutput[]>;

/**
 * The likeliest texts, best first.
 *
 * @param first the logits at the first mask, (vocab_size)
 */
export async function fillTogether(text: MaskedText, first: Float32Array, forward: Forward): Promise<Filling[]> {
  const { input_ids, masks, fillings, allowed } = text;
  const width = Math.max(fillings, MIN_BEAMS);
  let beams: Filling[] = [{ score: 1, ids: input_ids, tokens: [] }];
  let logits: Float32Array[] = [first];
  for (const [step, position] of masks.entries()) {
    if (step > 0) logits = await logitsAt(beams, position, forward);
    const longer = beams.flatMap((beam, i) => {
      const scores = softmax(logits[i] as Float32Array);
      return likeliest(scores, width, allowed).map((token) => ({
        beam,
        token,
        score: beam.score * (scores[token] as number),
      }));
    });
    const order = largest(
      longer.map(({ score }) => score),
      width,
    );
    beams = order.map((k) => {
      const { beam, token, score } = longer[k] as (typeof longer)[number];
      const ids = beam.ids.slice();
      ids[position] = token;
      return { score, ids, tokens: [...beam.tokens, token] };
    });
  }
  return beams;
}

/** Each text's logits at one mask. */
async function logitsAt(beams: readonly Filling[], position: number, forward: Forward): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  const count = Math.max(1, Math.floor(RUN_TOKENS / (beams[0]?.ids.length ?? 1)));
  for (let start = 0; start < beams.length; start += count) {
    const inputs = beams.slice(start, start + count).map(({ ids }) => ({ input_ids: ids }));
    const outputs = await forward(
      inputs,
      inputs.map(() => [position]),
    );
    found.push(...outputs.map((output) => checkFinite(output).logits.data));
  }
  return found;
}
