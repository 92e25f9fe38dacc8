/** FlaxAlbert's embeddings, encoder, pooler and decoder as operations of a tape, one sequence at a time. */
import type { AlbertConfig } from '../../src/model/config.js';
import { activation, TANH } from './derivatives.js';
import type { Sequence } from './encoder.js';
import { type Matrix, matrix } from './matrix.js';
import type { Tape } from './tape.js';

export interface Network {
  readonly tape: Tape;
  readonly config: AlbertConfig;
  /** By PyTorch's names: a vector is one row, a dense weight (out, in). */
  readonly parameters: ReadonlyMap<string, Matrix>;
  /** `albert.` before the names of the body's parameters, or nothing. */
  readonly prefix: string;
}

export function parameter({ parameters }: Network, name: string): Matrix {
  const found = parameters.get(name);
  if (found === undefined) throw new Error(`the reference has no ${name}`);
  return found;
}

export function linear(network: Network, name: string, x: Matrix): Matrix {
  return network.tape.dense(x, parameter(network, `${name}.weight`), parameter(network, `${name}.bias`));
}

function norm(network: Network, name: string, x: Matrix): Matrix {
  const [scale, bias] = [parameter(network, `${name}.weight`), parameter(network, `${name}.bias`)];
  return network.tape.layerNorm(x, scale, bias, network.config.layer_norm_eps);
}

function selfAttention(network: Network, name: string, x: Matrix, mask: readonly number[]): Matrix {
  const { tape } = network;
  const { hidden_size, num_attention_heads } = network.config;
  const width = hidden_size / num_attention_heads;
  const project = (part: string) => linear(network, `${name}.${part}`, x);
  const [query, key, value] = [project('query'), project('key'), project('value')];
  // Heads one below the other while they are columns: the transposed contexts.
  const contexts = Array.from({ length: num_attention_heads }, (_, head) => {
    const part = (y: Matrix) => tape.columns(y, head * width, (head + 1) * width);
    const scores = tape.scale(tape.dense(part(query), part(key)), 1 / Math.sqrt(width));
    return tape.dense(tape.transpose(part(value)), tape.softmax(scores, mask));
  });
  const context = tape.transpose(tape.stack(contexts));
  return norm(network, `${name}.LayerNorm`, tape.add(linear(network, `${name}.dense`, context), x));
}

function layer(network: Network, name: string, x: Matrix, mask: readonly number[]): Matrix {
  const { tape, config } = network;
  const attended = selfAttention(network, `${name}.attention`, x, mask);
  const intermediate = tape.map(linear(network, `${name}.ffn`, attended), activation(config.hidden_act));
  const output = linear(network, `${name}.ffn_output`, intermediate);
  return norm(network, `${name}.full_layer_layer_norm`, tape.add(output, attended));
}

/** The last hidden state of a sequence, (seq, hidden_size). */
export function encode(network: Network, { ids, mask, types, positions }: Sequence): Matrix {
  const { tape, prefix } = network;
  const { num_hidden_layers, num_hidden_groups, inner_group_num } = network.config;
  const rows = (name: string, indices: readonly number[]) =>
    tape.gather(parameter(network, `${prefix}embeddings.${name}_embeddings.weight`), indices);
  const sum = tape.add(rows('word', ids), rows('token_type', types), rows('position', positions));
  const embedded = norm(network, `${prefix}embeddings.LayerNorm`, sum);
  let x = linear(network, `${prefix}encoder.embedding_hidden_mapping_in`, embedded);
  for (let index = 0; index < num_hidden_layers; index++) {
    const group = Math.floor((index * num_hidden_groups) / num_hidden_layers);
    for (let inner = 0; inner < inner_group_num; inner++) {
      x = layer(network, `${prefix}encoder.albert_layer_groups.${group}.albert_layers.${inner}`, x, mask);
    }
  }
  return x;
}

/** The first token through a dense layer and tanh, (1, hidden_size). */
export function pool(network: Network, hidden: Matrix): Matrix {
  return network.tape.map(linear(network, `${network.prefix}pooler`, network.tape.gather(hidden, [0])), TANH);
}

/** The mean over the tokens that the mask keeps, (1, hidden_size). */
export function meanPool({ tape }: Network, hidden: Matrix, mask: readonly number[]): Matrix {
  const kept = mask.flatMap((m, i) => (m === 0 ? [] : [i]));
  const shares = matrix(1, kept.length, Array(kept.length).fill(1 / kept.length));
  return tape.dense(shares, tape.transpose(tape.gather(hidden, kept)));
}

/** A logit per word for the rows of `hidden`; tied weights are the word table. */
export function wordLogits(network: Network, hidden: Matrix): Matrix {
  const { tape, config } = network;
  const transformed = tape.map(linear(network, 'predictions.dense', hidden), activation(config.hidden_act));
  const normed = norm(network, 'predictions.LayerNorm', transformed);
  const table = config.tie_word_embeddings ? 'albert.embeddings.word_embeddings.weight' : 'predictions.decoder.weight';
  return tape.dense(normed, parameter(network, table), parameter(network, 'predictions.bias'));
}
