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

/** What becomes of a text's states, (seq, size), under each name of a pooling. */
const POOLINGS = {
  none: (states: Float32Array) => states,
  mean: meanOfTokens,
  cls: firstToken,
  first_token: firstToken,
  last_token: lastToken,
  eos: lastToken,
} as const;

export interface FeatureExtractionOptions extends CallOptions {
  /**
   * `none` (the default): every token's state. `mean`: their mean. `cls` or `first_token`: the state of `[CLS]`. `last_token` or
   * `eos`: that of the text's own last token, `[SEP]`, whatever else is in the array. The names are transformers.js's.
   */
  readonly pooling?: keyof typeof POOLINGS;
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
      if (!Object.hasOwn(POOLINGS, pooling)) {
        throw mismatch('ERR_INPUT', 'pooling', Object.keys(POOLINGS).join(', '), pooling);
      }
      const { input_ids } = encodeForModel(tokenizer, model, text);
      return {
        sequences: [{ input_ids }],
        decode([{ last_hidden_state }]) {
          const data = POOLINGS[pooling](last_hidden_state.data, hidden_size);
          if (normalize) normalizeRows(data, hidden_size);
          return new Tensor(data, pooling === 'none' ? [input_ids.length, hidden_size] : [hidden_size]);
        },
      };
    },
  );
}

function firstToken(states: Float32Array, size: number): Float32Array {
  return states.slice(0, size);
}

/** No sequence is padded here, so that the last row is a token of the text. */
function lastToken(states: Float32Array, size: number): Float32Array {
  return states.slice(-size);
}
