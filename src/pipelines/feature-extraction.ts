/** The feature-extraction pipeline: a text's hidden states, or one embedding of them. */
import { mismatch, type OptionNames } from '../errors.js';
import type { Source } from '../source.js';
import { Tensor } from '../tensor.js';
import { meanOfTokens, normalizeRows, openBody } from './embedding.js';
import {
  CALL_OPTIONS,
  type CallOptions,
  encodeForModel,
  makePipeline,
  type Pipeline,
  type PipelineOptions,
} from './pipeline.js';

const POOLINGS = ['none', 'cls', 'mean'] as const;

export interface FeatureExtractionOptions extends CallOptions {
  /** `none`: every token's state (the default); `cls`: the first token's; `mean`: their mean. */
  readonly pooling?: (typeof POOLINGS)[number];
  /** Scale each vector to length 1. */
  readonly normalize?: boolean;
}

const OPTIONS: OptionNames<FeatureExtractionOptions> = {
  ...CALL_OPTIONS,
  pooling: true,
  normalize: true,
};

/** (seq, hidden_size) for pooling `none`, (hidden_size) otherwise. */
export type FeatureExtractionPipeline = Pipeline<Tensor<Float32Array>, FeatureExtractionOptions>;

export async function featureExtraction(source: Source, options: PipelineOptions): Promise<FeatureExtractionPipeline> {
  const [model, tokenizer] = await openBody(source, options);
  const { hidden_size } = model.config;
  return makePipeline(
    model,
    tokenizer,
    OPTIONS,
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
  return pooling === 'cls' ? states.slice(0, size) : meanOfTokens(states, size);
}
