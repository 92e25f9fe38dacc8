/** FlaxAlbert's embeddings and encoder in float64 (Lan et al. 2020, Vaswani et al. 2017), one sequence at a time. */
import type { AlbertConfig } from '../../src/model/config.js';
import { ACT2FN, add, dense, dot, layerNorm, type Row, type Rows, softmax, transpose } from './operations.js';

/** A model's numbers by PyTorch's names: a vector is one row, a dense weight (out, in). */
export type Weights = ReadonlyMap<string, Rows>;

/** One sequence, (seq) each. */
export interface Sequence {
  readonly ids: readonly number[];
  readonly mask: readonly number[];
  readonly types: readonly number[];
  readonly positions: readonly number[];
}

export interface Model {
  readonly config: AlbertConfig;
  readonly weights: Weights;
  /** `albert.` before the names of the body's weights, or nothing. */
  readonly prefix: string;
  /** What happens to a row on its way into a large matrix, by the matrix's name: int8 models round it. */
  readonly incoming?: (row: Row, name: string) => Row;
}

export interface Encoded {
  /** (seq, hidden_size) each: after the mapping, then after each application of a group. */
  readonly hiddenStates: readonly Rows[];
  /** [head] (seq, seq) each: one for every inner layer. */
  readonly attentions: readonly (readonly Rows[])[];
}

export function vector({ weights }: Model, name: string): Row {
  const [row] = weights.get(name) ?? [];
  if (row === undefined) throw new Error(`the reference has no ${name}`);
  return row;
}

export function matrix({ weights }: Model, name: string): Rows {
  const rows = weights.get(name);
  if (rows === undefined) throw new Error(`the reference has no ${name}`);
  return rows;
}

/** The dense layer `name`. */
export function linear(model: Model, name: string, x: Rows): Rows {
  const { incoming = (row) => row } = model;
  const rows = x.map((row) => incoming(row, name));
  return dense(rows, matrix(model, `${name}.weight`), vector(model, `${name}.bias`));
}

/** The layer norm `name`. */
export function norm(model: Model, name: string, x: Rows): Rows {
  return layerNorm(x, vector(model, `${name}.weight`), vector(model, `${name}.bias`), model.config.layer_norm_eps);
}

/** FlaxAlbertEmbeddings: word + token type + position, layer norm. */
function embeddings(model: Model, { ids, types, positions }: Sequence): Rows {
  const table = (name: string) => matrix(model, `${model.prefix}embeddings.${name}_embeddings.weight`);
  const [word, type, position] = [table('word'), table('token_type'), table('position')];
  const sum = add(
    add(
      ids.map((id) => word[id]!),
      types.map((id) => type[id]!),
    ),
    positions.map((id) => position[id]!),
  );
  return norm(model, `${model.prefix}embeddings.LayerNorm`, sum);
}

/** FlaxAlbertSelfAttention: softmax(query · keyᵀ / √head_dim + mask) · value for each head, dense, residual, layer norm. */
function selfAttention(model: Model, name: string, x: Rows, mask: readonly number[]): { output: Rows; heads: Rows[] } {
  const { hidden_size, num_attention_heads } = model.config;
  const headDim = hidden_size / num_attention_heads;
  const project = (part: string) => linear(model, `${name}.${part}`, x);
  const [query, key, value] = [project('query'), project('key'), project('value')];
  const heads: Rows[] = [];
  let context: Rows = x.map(() => []);
  for (let from = 0; from < hidden_size; from += headDim) {
    const slice = (rows: Rows) => rows.map((row) => row.slice(from, from + headDim));
    const [q, k, v] = [slice(query), slice(key), transpose(slice(value))];
    // A masked score is -1e10, which absorbs any other in float32: a row without a key is uniform.
    const scores = q.map((a) => k.map((b, j) => (mask[j] === 0 ? -1e10 : dot(a, b) / Math.sqrt(headDim))));
    const weights = scores.map(softmax);
    const output = weights.map((row) => v.map((column) => dot(row, column)));
    context = context.map((row, i) => [...row, ...output[i]!]);
    heads.push(weights);
  }
  return { output: norm(model, `${name}.LayerNorm`, add(linear(model, `${name}.dense`, context), x)), heads };
}

/** FlaxAlbertLayer: attention, then the feed-forward block with its residual and layer norm. */
function layer(model: Model, name: string, x: Rows, mask: readonly number[]): { output: Rows; heads: Rows[] } {
  const activation = ACT2FN[model.config.hidden_act]!;
  const { output: attended, heads } = selfAttention(model, `${name}.attention`, x, mask);
  const intermediate = linear(model, `${name}.ffn`, attended).map((row) => row.map(activation));
  const ffn = linear(model, `${name}.ffn_output`, intermediate);
  return { output: norm(model, `${name}.full_layer_layer_norm`, add(ffn, attended)), heads };
}

/** FlaxAlbertEncoder: the mapping to hidden_size, then the layers, each with the weights of its group. */
export function encode(model: Model, sequence: Sequence): Encoded {
  const { num_hidden_layers, num_hidden_groups, inner_group_num } = model.config;
  const encoder = `${model.prefix}encoder`;
  let x = linear(model, `${encoder}.embedding_hidden_mapping_in`, embeddings(model, sequence));
  const hiddenStates = [x];
  const attentions: Rows[][] = [];
  for (let index = 0; index < num_hidden_layers; index++) {
    const group = Math.floor(index / (num_hidden_layers / num_hidden_groups));
    for (let inner = 0; inner < inner_group_num; inner++) {
      const name = `${encoder}.albert_layer_groups.${group}.albert_layers.${inner}`;
      const { output, heads } = layer(model, name, x, sequence.mask);
      x = output;
      attentions.push(heads);
    }
    hiddenStates.push(x);
  }
  return { hiddenStates, attentions };
}
