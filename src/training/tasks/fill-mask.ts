/** Masked words: of 15 % of the tokens, 80 % become [MASK], 10 % another token, 10 % stay; the model learns what they were. */
import { AlbertForMaskedLM } from '../../model/models.js';
import { mix } from '../../model/random.js';
import type { Encoding } from '../../tokenizer/tokenizer.js';
import { IGNORED } from '../network/request.js';
import { argmax, crossEntropy, type Feature, type TaskContext, type TrainableTask } from './task.js';

interface TextFeature extends Feature {
  readonly input_ids: readonly number[];
  /** The positions that may be masked: all but those of special tokens. */
  readonly positions: readonly number[];
}

/** A masked text: what the model reads, and what it has to find at which positions. */
export interface MaskedText {
  readonly input_ids: number[];
  readonly positions: number[];
  readonly originals: number[];
}

const MASKED = 0.15;
/** The masks of an evaluation: the same each time. */
const EVALUATION_SEED = 0;

export const fillMask: TrainableTask<'fill-mask', TextFeature> = {
  Class: AlbertForMaskedLM,

  config: () => ({ problem_type: undefined }),

  features({ text }, example, { tokenizer, max_seq_length }) {
    const encoding = tokenizer.encode(text, { truncation: true, max_length: max_seq_length, return_offsets: false });
    return [encoding, ...encoding.overflowing]
      .map(({ input_ids, sequence_ids }: Encoding) => {
        const positions = sequence_ids.flatMap((id, i) => (id === null ? [] : [i]));
        return { example, input_ids, positions, tokens: input_ids.length };
      })
      .filter(({ positions }) => positions.length > 0);
  },

  batch(features, context, seed) {
    const masked = features.map((feature, i) => maskWords(feature, context, mix(seed, i)));
    return {
      inputs: masked.map(({ input_ids }) => ({ input_ids })),
      labels: {
        labels: masked.map(({ input_ids, positions, originals }) => {
          const labels = new Array<number>(input_ids.length).fill(IGNORED);
          positions.forEach((position, i) => {
            labels[position] = originals[i] as number;
          });
          return labels;
        }),
      },
    };
  },

  async evaluate(model, features, context, signal) {
    // By the example and the length, so that no batch size changes what is masked.
    const masked = features.map((feature) => maskWords(feature, context, mix(EVALUATION_SEED, feature.example)));
    const inputs = masked.map(({ input_ids }) => ({ input_ids }));
    const positions = masked.map(({ positions }) => positions);
    const outputs = await (model as AlbertForMaskedLM).forwardAt(inputs, positions, { signal });
    const { vocab_size } = context.config;
    let [loss, counted] = [0, 0];
    const predictions = masked.map(({ originals }, i) => {
      const { data } = (outputs[i] as (typeof outputs)[number]).logits; // (positions, vocab_size)
      return originals.map((original, at) => {
        const logits = data.subarray(at * vocab_size, (at + 1) * vocab_size);
        loss += crossEntropy(logits, original);
        counted++;
        return Number(argmax(logits) === original);
      });
    });
    return { predictions, loss, counted };
  },

  metrics: () => ['accuracy'],

  summarize(_dataset, _features, outcomes) {
    const right = (outcomes as number[][]).flat();
    const accuracy = right.reduce((sum, one) => sum + one, 0) / Math.max(1, right.length);
    return {
      predictions: outcomes,
      label_ids: (outcomes as number[][]).map((ids) => ids.map(() => 1)),
      metrics: { accuracy },
    };
  },
};

/** Masks a text by a seed; at least one of its tokens. */
export function maskWords(
  { input_ids, positions }: TextFeature,
  { tokenizer, config }: TaskContext,
  seed: number,
): MaskedText {
  const draw = (counter: number) => (mix(seed >>> 0, counter) >>> 0) / 2 ** 32;
  let chosen = positions.filter((position) => draw(3 * position) < MASKED);
  if (chosen.length === 0) chosen = [positions[Math.floor(draw(-1) * positions.length)] as number];
  const masked = [...input_ids];
  for (const position of chosen) {
    const kind = draw(3 * position + 1);
    if (kind < 0.8) masked[position] = tokenizer.mask_token_id;
    else if (kind < 0.9)
      masked[position] = Math.floor(draw(3 * position + 2) * Math.min(tokenizer.vocab_size, config.vocab_size));
  }
  return { input_ids: masked, positions: chosen, originals: chosen.map((position) => input_ids[position] as number) };
}
