/** The feature-extraction pipeline: a text's hidden states, or one embedding of them. */
import { mismatch } from '../errors.js';
import { AlbertModel } from '../model/heads/index.js';
import type { Source } from '../source.js';
import { Tensor } from '../tensor.js';
import { AlbertTokenizer } from '../tokenizer/tokenizer.js';
import { type CallOptions, encodeForModel, makePipeline, type Pipeline, type PipelineOptions } from './pipeline.js';

const POOLINGS = ['none', 'cls', 'mean'] as const;

export interface FeatureExtractionOptions extends CallOptions {
  /** `none`: every token's state (the default); `cls`: the first token's; `mean`: their mean. */
  readonly pooling?: (typeof POOLINGS)[number];
  /** Scale each vector to length 1. */
  readonly normalize?: boolean;
}

/** (seq, hidden_size) for pooling `none`, (hidden_size) otherwise. */
export type FeatureExtractionPipeline = Pipeline<Tensor<Float32Array>, FeatureExtractionOptions>;

export async function featureExtraction(source: Source, options: PipelineOptions): Promise<FeatureExtractionPipeline> {
  const [model, tokenizer] = await Promise.all([
    // A checkpoint of a head without a pooler serves as well: the pooled output is not used.
    AlbertModel.from_pretrained(source, { onWarning: () => {}, ...options }),
    AlbertTokenizer.from_pretrained(source, options),
  ]);
  const { hidden_size } = model.config;
  return makePipeline(
    model,
    tokenizer,
    (text: string, { pooling = 'none', normalize = false }: FeatureExtractionOptions) => {
      if (!POOLINGS.includes(pooling)) throw mismatch('ERR_INPUT', 'pooling', POOLINGS.join(', '), pooling);
      const { input_ids } = encodeForModel(tokenizer, model, text);
      return {
        sequences: [{ input_ids }],
        decode([{ last_hidden_state }]) {
          const data = pool(last_hidden_state.data, hidden_size, pooling);
          if (normalize) normalizeRows(data, hidden_size);
          return new Tensor(data, pooling === 'none' ? [input_ids.length, hidden_size] : [hidden_size]);
        },
      };
    },
  );
}

/** (seq, size) to (seq, size) or (size). */
function pool(states: Float32Array, size: number, pooling: (typeof POOLINGS)[number]): Float32Array {
  if (pooling === 'none') return states;
  if (pooling === 'cls') return states.slice(0, size);
  const sums = new Float64Array(size);
  states.forEach((value, i) => {
    (sums[i % size] as number) += value;
  });
  return Float32Array.from(sums, (sum) => sum / (states.length / size));
}

/** Scales each row of `size` to length 1; a row of zeros stays. */
function normalizeRows(data: Float32Array, size: number): void {
  for (let start = 0; start < data.length; start += size) {
    const row = data.subarray(start, start + size);
    const length = Math.hypot(...row);
    if (length > 0)
      row.forEach((value, i) => {
        row[i] = value / length;
      });
  }
}
