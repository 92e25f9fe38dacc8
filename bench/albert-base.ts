/** ALBERT-base with the weights of the fixtures' formula, and what one forward of it computes. */
import type { AlbertConfig } from '../src/model/config.js';
import { AlbertModel } from '../src/model/models.js';
import type { InitOptions } from '../src/model/options.js';
import { encodeSafetensors } from '../src/weights/safetensors.js';
import { formulaTensor } from '../test/support/formula.js';
import { uniform } from './numbers.js';

/** ALBERT-base's configuration, without dropout. */
export const CONFIG = {
  model_type: 'albert',
  architectures: ['AlbertModel'],
  vocab_size: 30000,
  embedding_size: 128,
  hidden_size: 768,
  intermediate_size: 3072,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  hidden_act: 'gelu_new',
  layer_norm_eps: 1e-12,
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
};

/** A model before it is anybody's: its sizes, and its tensors by PyTorch's names. */
export interface Albert {
  readonly config: Pick<
    AlbertConfig,
    'hidden_size' | 'num_attention_heads' | 'num_hidden_layers' | 'layer_norm_eps' | 'hidden_act'
  > &
    Partial<Pick<AlbertConfig, 'num_hidden_groups' | 'inner_group_num'>>;
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

export async function albertBase(): Promise<Albert> {
  // In a page a model is in a worker unless it is told not to be, and its parameters stay there.
  const shapes = await AlbertModel.from_config(CONFIG, { worker: false });
  const tensors = new Map(
    [...shapes.params].map(([name, { shape }]) => [name, { shape, data: formulaTensor(name, shape) }]),
  );
  await shapes.dispose();
  return { config: CONFIG, tensors };
}

/** Our model of it, on the calling thread in pages too. */
export async function loadAlbert(albert: Albert, options: InitOptions = {}): Promise<AlbertModel> {
  return AlbertModel.from_pretrained(albertFiles(albert), { worker: false, ...options });
}

/** Its files: a configuration and a float32 checkpoint, of 47 MB for ALBERT-base. */
export function albertFiles({ config, tensors }: Albert) {
  const list = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
  return {
    'config.json': JSON.stringify(config),
    'model.safetensors': encodeSafetensors(list, 'F32', { format: 'pt' }),
  };
}

/** A batch of sequences without padding. */
export interface Shape {
  readonly batch: number;
  readonly seq: number;
}

/** Reads "8x128". */
export function parseShape(text: string): Shape {
  const [, batch, seq] = /^([1-9]\d*)x([1-9]\d*)$/.exec(text)?.map(Number) ?? [];
  const longest = CONFIG.max_position_embeddings;
  if (batch === undefined || seq === undefined || seq > longest) {
    throw new Error(`a shape is BATCHxSEQ, such as 8x128, with at most ${longest} tokens, not "${text}"`);
  }
  return { batch, seq };
}

export function nameShape({ batch, seq }: Shape): string {
  return `${batch}x${seq}`;
}

/** Token ids from 5 on, past the special tokens: (batch · seq) */
export function tokenIds({ batch, seq }: Shape, vocabulary = CONFIG.vocab_size): Int32Array {
  return Int32Array.from(uniform(batch * seq, 11, 5, vocabulary), Math.floor);
}

/** Operations of a forward's matrix products, a multiplication and an addition each. */
export function forwardOps({ batch, seq }: Shape): number {
  const { embedding_size: e, hidden_size: h, intermediate_size: i, num_hidden_layers: layers } = CONFIG;
  const projections = e * h + layers * (4 * h * h + 2 * h * i);
  const heads = layers * 2 * seq * h;
  return 2 * batch * (seq * (projections + heads) + h * h);
}
