/** FlaxAlbert's embeddings, encoder, pooler and decoder as operations of a tape, one sequence at a time. */
import type { AlbertConfig } from '../../src/model/config.js';
import { activation, TANH } from './derivatives.js';
import { drop } from './dropout.js';
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
  /** The seed of dropout, if there is any. */
  readonly seed?: number;
  /** Of each sequence of the batch, its first token among those of all sequences. */
  readonly starts: ReadonlyMap<Sequence, number>;
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

/** The number of the first of a layer's sites, which are two, or three where attention weights are dropped. */
function firstSite({ attention_probs_dropout_prob }: AlbertConfig, layer: number): number {
  return 1 + layer * (attention_probs_dropout_prob > 0 ? 3 : 2);
}

/** What the head's dense layer receives; (tokens, hidden_size), or one row per sequence. */
export function dropForHead(network: Network, x: Matrix, rate: number, firstRow: number): Matrix {
  const { num_hidden_layers, inner_group_num } = network.config;
  const number = firstSite(network.config, num_hidden_layers * inner_group_num);
  return drop(network.tape, network.seed, x, { number, rate, columns: x.columns }, firstRow);
}

/** The `number`th layer of all: its parameters are those of `name`, which layers share. */
interface Layer {
  readonly name: string;
  readonly number: number;
  readonly sequence: Sequence;
}

function selfAttention(network: Network, { name: layerName, number, sequence }: Layer, x: Matrix): Matrix {
  const { tape, seed, starts } = network;
  const { hidden_size, num_attention_heads, hidden_dropout_prob, attention_probs_dropout_prob } = network.config;
  const name = `${layerName}.attention`;
  const site = firstSite(network.config, number);
  // One mask for all heads and all sequences of a length: Flax's attention broadcasts its dropout.
  const probabilities = { number: site, rate: attention_probs_dropout_prob, columns: x.rows };
  const output = {
    number: site + (attention_probs_dropout_prob > 0 ? 1 : 0),
    rate: hidden_dropout_prob,
    columns: hidden_size,
  };
  const width = hidden_size / num_attention_heads;
  const project = (part: string) => linear(network, `${name}.${part}`, x);
  const [query, key, value] = [project('query'), project('key'), project('value')];
  // Heads one below the other while they are columns: the transposed contexts.
  const contexts = Array.from({ length: num_attention_heads }, (_, head) => {
    const part = (y: Matrix) => tape.columns(y, head * width, (head + 1) * width);
    const scores = tape.scale(tape.dense(part(query), part(key)), 1 / Math.sqrt(width));
    const weights = drop(tape, seed, tape.softmax(scores, sequence.mask), probabilities, 0);
    return tape.dense(tape.transpose(part(value)), weights);
  });
  const context = tape.transpose(tape.stack(contexts));
  const attended = drop(tape, seed, linear(network, `${name}.dense`, context), output, starts.get(sequence)!);
  return norm(network, `${name}.LayerNorm`, tape.add(attended, x));
}

function layer(network: Network, layer: Layer, x: Matrix): Matrix {
  const { tape, config, seed, starts } = network;
  const { name, number, sequence } = layer;
  const attended = selfAttention(network, layer, x);
  const site = { number: firstSite(config, number + 1) - 1, rate: config.hidden_dropout_prob, columns: x.columns };
  const intermediate = tape.map(linear(network, `${name}.ffn`, attended), activation(config.hidden_act));
  const dense = linear(network, `${name}.ffn_output`, intermediate);
  const output = drop(tape, seed, dense, site, starts.get(sequence)!);
  return norm(network, `${name}.full_layer_layer_norm`, tape.add(output, attended));
}

/** The last hidden state of a sequence, (seq, hidden_size). */
export function encode(network: Network, sequence: Sequence): Matrix {
  const { tape, prefix, seed, starts } = network;
  const { ids, types, positions } = sequence;
  const { hidden_dropout_prob: rate, embedding_size: columns } = network.config;
  const { num_hidden_layers, num_hidden_groups, inner_group_num } = network.config;
  const rows = (name: string, indices: readonly number[]) =>
    tape.gather(parameter(network, `${prefix}embeddings.${name}_embeddings.weight`), indices);
  const sum = tape.add(rows('word', ids), rows('token_type', types), rows('position', positions));
  const normed = norm(network, `${prefix}embeddings.LayerNorm`, sum);
  const embedded = drop(tape, seed, normed, { number: 0, rate, columns }, starts.get(sequence)!);
  let x = linear(network, `${prefix}encoder.embedding_hidden_mapping_in`, embedded);
  for (let index = 0; index < num_hidden_layers; index++) {
    const group = Math.floor((index * num_hidden_groups) / num_hidden_layers);
    for (let inner = 0; inner < inner_group_num; inner++) {
      const name = `${prefix}encoder.albert_layer_groups.${group}.albert_layers.${inner}`;
      x = layer(network, { name, number: index * inner_group_num + inner, sequence }, x);
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
