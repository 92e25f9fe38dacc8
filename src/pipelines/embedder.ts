/** What the embedding tasks share: the body of a checkpoint, and how a text's hidden states become one vector. */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import { type OpenedSource, openFolder } from '../ground/source.js';
import { AlbertModel, type AlbertModelOutput } from '../model/models.js';
import { type AlbertTokenizer, type Encoding, pieceRange } from '../tokenizer/tokenizer.js';
import type { Job, Sequence, Some } from './jobs.js';
import { openModel, type PipelineOptions } from './pipeline.js';
import { allTokens, normalizeRows, POOLING_NAMES, type Pooling, poolTokens } from './pooling.js';
import type { SentenceModules } from './sentence-transformers.js';
import { type Texts, WINDOW_OPTIONS, type WindowOptions } from './texts.js';
import { decidedPieces } from './windows.js';

export type { Pooling } from './pooling.js';

/** How a checkpoint's embeddings are made by default. */
export interface EmbeddingInfo {
  /** `modules.json`: the checkpoint's sentence-transformers files say so; `default`: it has no such files. */
  readonly source: 'modules.json' | 'default';
  /** Several are concatenated. Empty: each token's state, without pooling. */
  readonly pooling: readonly Pooling[];
  /** Whether vectors have length 1. */
  readonly normalize: boolean;
  /** The modules after the pooling, such as `Dense (768 to 512)`. */
  readonly layers: readonly string[];
  /** The size of an embedding. */
  readonly dimension: number;
  /** The most tokens that are read of a text, special ones included. */
  readonly max_seq_length: number;
  /** The checkpoint's prompts by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** The name of the prompt in front of each text, unless a call sets another. */
  readonly default_prompt_name?: string;
}

/** Options of one call; default: as in {@link EmbeddingInfo}. */
export interface EmbeddingOptions extends WindowOptions {
  /** Replaces the checkpoint's pooling; the layers after it stay. Several are concatenated. */
  readonly pooling?: PoolingName | readonly PoolingName[];
  /** Whether vectors have length 1. */
  readonly normalize?: boolean;
  /** A text to put in front of each text. */
  readonly prompt?: string;
  /** The name of one of the checkpoint's prompts, instead of `prompt`. */
  readonly prompt_name?: string;
}

export const EMBEDDING_OPTIONS: OptionNames<EmbeddingOptions> = {
  ...WINDOW_OPTIONS,
  pooling: true,
  normalize: true,
  prompt: true,
  prompt_name: true,
};

/** A checkpoint's body that embeds. */
export interface Embedder {
  readonly model: AlbertModel;
  readonly tokenizer: AlbertTokenizer;
  readonly info: EmbeddingInfo;
  /**
   * Encodes one text.
   *
   * @param pooling as in the options; `none` for each token's state
   * @returns decodes to (dimension), or to (tokens × hidden_size) for `none`
   */
  embed(
    text: string,
    options: EmbeddingOptions,
    pooling?: readonly Pooling[] | 'none',
  ): Job<AlbertModelOutput, Float32Array>;
}

/**
 * Opens the body of any checkpoint, with or without sentence-transformers' files. A checkpoint without a pooler works too: the
 * pooled output is not used.
 *
 * @param usual the pooling if there are no such files
 * @throws what `from_pretrained` throws; ERR_CONFIG for files with settings that are not supported
 */
export async function openEmbedder(
  source: OpenedSource,
  options: PipelineOptions,
  usual: readonly Pooling[],
): Promise<Embedder> {
  const { signal, onWarning = console.warn } = options;
  const bytes = await source.readFile('modules.json', signal);
  // Most checkpoints have no such files, and do not need this code.
  const modules = bytes && (await (await import('./sentence-transformers.js')).readModules(source, bytes, signal));
  const { model, tokenizer, texts } = await openModel(
    AlbertModel,
    openFolder(source, modules?.folder ?? ''),
    { ...options, onWarning: options.onWarning ?? (() => {}) },
    onWarning,
  );
  try {
    return makeEmbedder(model, tokenizer, texts, modules, usual);
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

function makeEmbedder(
  model: AlbertModel,
  tokenizer: AlbertTokenizer,
  all: Texts,
  modules: SentenceModules | undefined,
  usual: readonly Pooling[],
): Embedder {
  const { hidden_size: size, max_position_embeddings } = model.config;
  const { layers = [], pooling: made = usual, prompts = {}, default_prompt_name } = modules ?? {};
  const most = modules?.max_seq_length;
  const texts = most === undefined ? all : all.upTo(Math.min(most, max_position_embeddings));
  const dimension = dimensionOf(made, 'ERR_CONFIG');
  const info: EmbeddingInfo = {
    source: modules === undefined ? 'default' : 'modules.json',
    pooling: made,
    normalize: layers.at(-1)?.kind === 'Normalize',
    layers: layers.map(({ kind, inputs, outputs }) =>
      outputs === undefined ? kind : `${kind} (${inputs} to ${outputs})`,
    ),
    dimension,
    max_seq_length: texts.longest,
    prompts,
    ...(default_prompt_name !== undefined && { default_prompt_name }),
  };
  return { model, tokenizer, info, embed };

  /** @throws `code` for a pooling whose size does not fit the layers */
  function dimensionOf(pooling: readonly Pooling[], code: 'ERR_CONFIG' | 'ERR_INPUT'): number {
    let numbers = Math.max(1, pooling.length) * size;
    for (const { inputs = numbers, outputs = inputs, path } of layers) {
      if (inputs !== numbers) {
        throw mismatch(
          code,
          'pooling',
          `${inputs} numbers, as ${path} takes`,
          `${numbers} of ${pooling.join(' and ')}`,
        );
      }
      numbers = outputs;
    }
    return numbers;
  }

  function embed(text: string, options: EmbeddingOptions, pooling: readonly Pooling[] | 'none' = made) {
    const { normalize, stride = 0 } = options;
    if (normalize !== undefined && typeof normalize !== 'boolean') {
      throw mismatch('ERR_INPUT', 'normalize', 'true or false', normalize);
    }
    if (typeof text !== 'string') throw mismatch('ERR_INPUT', 'text', 'a string', text);
    const prompt = promptOf(options);
    const windows = texts.windows(spelled(prompt + text), options);
    const behind = pooling === 'none' ? [] : layersOf(pooling, normalize);
    return {
      sequences: windows.map(({ input_ids }) => ({ input_ids })) as [Sequence, ...Sequence[]],
      decode(outputs: Some<AlbertModelOutput>) {
        const rows = rowsOf(windows, stride);
        const tokens = rows.reduce((sum, [from, to]) => sum + to - from, 0);
        const states = {
          windows: outputs.map(({ last_hidden_state: { data } }, i) => ({
            states: data,
            rows: rows[i] as [number, number],
          })),
          size,
          skipped: Math.min(skippedTokens(prompt), tokens - 1),
        };
        if (pooling === 'none') {
          const each = allTokens(states);
          if (normalize) normalizeRows(each, size);
          return each;
        }
        const vector = behind.reduce((values, layer) => layer.apply(values), poolTokens(states, pooling));
        if (normalize) normalizeRows(vector, vector.length);
        return vector;
      },
    };
  }

  /** The layers that a call applies: without the last Normalize if `normalize` is false. */
  function layersOf(pooling: readonly Pooling[], normalize: boolean | undefined) {
    if (pooling !== made) dimensionOf(pooling, 'ERR_INPUT');
    const last = normalize === false ? layers.findLastIndex(({ kind }) => kind !== 'Normalize') + 1 : layers.length;
    return layers.slice(0, last);
  }

  function promptOf({ prompt, prompt_name = default_prompt_name }: EmbeddingOptions): string {
    if (prompt !== undefined) {
      if (typeof prompt !== 'string') throw mismatch('ERR_INPUT', 'prompt', 'a string', prompt);
      return prompt;
    }
    if (prompt_name === undefined) return '';
    if (Object.hasOwn(prompts, prompt_name)) return prompts[prompt_name] as string;
    const known = Object.keys(prompts).join(', ') || 'nothing, as the checkpoint has no prompts';
    throw mismatch('ERR_INPUT', 'prompt_name', known, prompt_name);
  }

  /** Character by character, as the tokenizers library has it. */
  function spelled(text: string): string {
    return modules?.do_lower_case ? Array.from(text, (character) => character.toLowerCase()).join('') : text;
  }

  /** Tokens of the prompt, `[CLS]` among them, that the pooling leaves out. */
  function skippedTokens(prompt: string): number {
    if (prompt === '' || (modules?.include_prompt ?? true)) return 0;
    return tokenizer.encode(spelled(prompt), { return_offsets: false }).input_ids.length - 1;
  }
}

/** The rows of each window that count: the special tokens at the ends of the text, no others, and each piece once. */
function rowsOf(windows: readonly Encoding[], stride: number): [from: number, to: number][] {
  const ranges = windows.map((window) => pieceRange(window));
  const decided = decidedPieces(
    ranges.map(([start, end]) => end - start),
    stride,
  );
  return windows.map(({ input_ids }, i) => {
    const [[start], [from, to]] = [ranges[i] as [number, number], decided[i] as [number, number]];
    return [i === 0 ? 0 : start + from, i === windows.length - 1 ? input_ids.length : start + to];
  });
}

/** transformers.js's names for poolings. */
const SYNONYMS: Readonly<Record<Exclude<PoolingName, Pooling>, Pooling>> = {
  first_token: 'cls',
  last_token: 'lasttoken',
  eos: 'lasttoken',
};

/** The name of a pooling, in sentence-transformers or transformers.js. */
export type PoolingName = Pooling | 'first_token' | 'last_token' | 'eos';

/** @throws ERR_INPUT for an unknown pooling */
export function checkPooling(
  pooling: PoolingName | readonly PoolingName[],
  more: readonly string[] = [],
): readonly Pooling[] {
  const given = Array.isArray(pooling) ? (pooling as readonly PoolingName[]) : [pooling as PoolingName];
  const names = given.map((name) =>
    Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name as keyof typeof SYNONYMS] : (name as Pooling),
  );
  const unknown = names.find((name) => !POOLING_NAMES.includes(name));
  if (unknown === undefined && names.length > 0 && names.length <= POOLING_NAMES.length) return names;
  throw mismatch('ERR_INPUT', 'pooling', [...more, ...POOLING_NAMES].join(', '), unknown ?? pooling);
}
