/** FlaxAlbert's forward method over planned memory: embeddings, encoder, pooler, head. */
import { yieldToEventLoop } from '#platform';
import type { Engine } from '../engine/engine.js';
import { type Matrix, rowsOf } from '../engine/memory.js';
import { throwIfAborted } from '../errors.js';
import type { Tensor } from '../tensor.js';
import type { Batch } from './batch.js';
import type { AlbertConfig } from './config.js';
import { DropoutStream } from './dropout.js';
import { embed } from './embeddings.js';
import { type Collect, type Collected, encode } from './encoder.js';
import type { Head } from './head.js';
import { type Layout, layOut } from './layout.js';
import type { ForwardOptions } from './options.js';
import { matchParams } from './parameters/match.js';
import { packParameters, stagingFloats } from './parameters/pack.js';
import { type Activations, planBody } from './plan.js';

/** One rectangle's output fields, in FlaxAlbert's order. */
export type Fields = Record<string, Tensor<Float32Array> | readonly Tensor<Float32Array>[]>;

/**
 * One forward of a batch, from planned memory to copied fields.
 *
 * @param loaded the model's own parameters
 * @returns the fields of each rectangle
 */
export async function runForward(
  engine: Engine,
  config: AlbertConfig,
  head: Head,
  loaded: Layout,
  batch: Batch,
  options: ForwardOptions,
): Promise<Fields[]> {
  const { signal, output_attentions = false, output_hidden_states = false, train = false } = options;
  const { dropout_rng = 0, params } = options;
  const collect = { output_attentions, output_hidden_states };
  const dropout = train ? new DropoutStream(dropout_rng) : undefined;

  const { memory } = engine;
  memory.checkOutput((head.outputFloats(config, batch) + collectedFloats(config, batch, collect)) * 4);
  const before = memory.used;
  try {
    const region = memory.region();
    const layout = params === undefined ? loaded : layOut(region, engine, config, head);
    const { body, parameters } = layout;
    const weights = { start: region.start, end: region.end };
    const sources = params === undefined ? undefined : matchParams(parameters, params);
    const staging = region.take(sources === undefined ? 0 : stagingFloats(parameters) * 4);
    const activations = planBody(region, engine, config, batch, { output_attentions, train });
    const matrices = head.plan(region, config, batch);
    memory.claim(region);

    if (sources !== undefined) await packParameters(engine, sources, weights, staging);
    embed(engine, config, body, activations, batch, dropout);
    const layers = encode(engine, config, body, activations, batch, collect, dropout);
    const collected = signal === undefined ? finish(layers) : await finishUnless(signal, layers);
    const { pooled, sequences } = activations;
    if (body.pooler !== undefined) {
      const first = gathered(
        engine,
        activations,
        sequences.map(({ start }) => start),
      );
      engine.linear(first, body.pooler, pooled, 'tanh');
    }
    const hidden = batch.headRows === undefined ? activations.hidden : gathered(engine, activations, batch.headRows);
    const context = { engine, config, body, hidden, pooled, rectangles: batch.rectangles, dropout };
    return head.run(context, layout.head, matrices).map((fields, i) => {
      const { hidden_states, attentions } = collected[i] as Collected;
      return { ...fields, ...(hidden_states && { hidden_states }), ...(attentions && { attentions }) };
    });
  } finally {
    memory.release(before);
  }
}

/** Some tokens' hidden states, one below the other, where the feed-forward's output is spent. */
function gathered(engine: Engine, { hidden, context }: Activations, tokens: readonly number[]): Matrix {
  const rows = rowsOf(context, 0, tokens.length);
  engine.gather(hidden, tokens, rows);
  return rows;
}

/** Runs the layers without a pause. */
function finish(layers: Generator<void, Collected[]>): Collected[] {
  for (;;) {
    const step = layers.next();
    if (step.done) return step.value;
  }
}

/** Runs the layers, hearing the signal between them: the event loop gets a turn after each. */
async function finishUnless(signal: AbortSignal, layers: Generator<void, Collected[]>): Promise<Collected[]> {
  for (;;) {
    const step = layers.next();
    if (step.done) return step.value;
    await yieldToEventLoop();
    throwIfAborted(signal);
  }
}

/** Floats of the hidden states and attention weights that a forward hands to its caller. */
function collectedFloats(config: AlbertConfig, { rectangles, tokens }: Batch, collect: Collect): number {
  const { num_hidden_layers: layers, inner_group_num, num_attention_heads: heads, hidden_size } = config;
  const states = collect.output_hidden_states ? (layers + 1) * tokens * hidden_size : 0;
  if (!collect.output_attentions) return states;
  const pairs = rectangles.reduce((sum, { batch, seq }) => sum + batch * seq * seq, 0);
  return states + layers * inner_group_num * heads * pairs;
}
