/** FlaxAlbert's forward method over planned memory: embeddings, encoder, pooler, head. */
import { yieldToEventLoop } from '#platform';
import type { Engine } from '../engine/engine.js';
import { rowsOf } from '../engine/memory.js';
import { throwIfAborted } from '../errors.js';
import type { Tensor } from '../tensor.js';
import type { AlbertConfig } from './config.js';
import { DropoutStream } from './dropout.js';
import { embed } from './embeddings.js';
import { type Collected, encode } from './encoder.js';
import type { Head } from './head.js';
import type { CheckedInputs } from './inputs.js';
import { type Layout, layOut } from './layout.js';
import { matchParams, packParameters } from './load.js';
import type { ForwardOptions } from './options.js';
import { stagingFloats } from './parameters.js';
import { type ForwardShape, planBody } from './plan.js';

/**
 * One forward, from planned memory to copied fields.
 *
 * @param loaded the model's own parameters
 */
export async function runForward(
  engine: Engine,
  config: AlbertConfig,
  head: Head,
  loaded: Layout,
  inputs: CheckedInputs,
  options: ForwardOptions,
): Promise<Record<string, Tensor<Float32Array> | readonly Tensor<Float32Array>[]>> {
  const { signal } = options;
  const { batch, seq, leading } = inputs;
  const { output_attentions = false, output_hidden_states = false, train = false, dropout_rng = 0, params } = options;
  const shape = { batch, seq, output_attentions, output_hidden_states, train };
  const dropout = train ? new DropoutStream(dropout_rng) : undefined;

  const { memory } = engine;
  memory.checkOutput(outputFloats(config, shape, head.outputFloats(config, batch, seq)) * 4);
  const before = memory.used;
  try {
    const region = memory.region();
    const layout = params === undefined ? loaded : layOut(region, engine, config, head);
    const { body, parameters } = layout;
    const weights = { start: region.start, end: region.end };
    const sources = params === undefined ? undefined : matchParams(parameters, params);
    const staging = region.take(sources === undefined ? 0 : stagingFloats(parameters) * 4);
    const activations = planBody(region, engine, config, shape);
    const matrices = head.plan(region, config, batch, seq);
    memory.claim(region);

    if (sources !== undefined) packParameters(engine, sources, weights, staging);
    embed(engine, config, body, activations, inputs, dropout);
    const layers = encode(engine, config, body, activations, shape, dropout);
    const collected = signal === undefined ? finish(layers) : await finishUnless(signal, layers);
    const { hidden, pooled } = activations;
    if (body.pooler !== undefined) {
      // The first token of each sequence: every seq-th row.
      const first = { ...rowsOf(hidden, 0, batch), stride: hidden.stride * seq };
      engine.linear(first, body.pooler, pooled, 'tanh');
    }
    const fields = head.run({ engine, config, body, hidden, pooled, leading, seq, dropout }, layout.head, matrices);
    const { hidden_states, attentions } = collected;
    return {
      ...fields,
      ...(hidden_states && { hidden_states }),
      ...(attentions && { attentions }),
    };
  } finally {
    memory.release(before);
  }
}

/** Runs the layers without a pause. */
function finish(layers: Generator<void, Collected>): Collected {
  for (;;) {
    const step = layers.next();
    if (step.done) return step.value;
  }
}

/** Runs the layers, hearing the signal between them: the event loop gets a turn after each. */
async function finishUnless(signal: AbortSignal, layers: Generator<void, Collected>): Promise<Collected> {
  for (;;) {
    const step = layers.next();
    if (step.done) return step.value;
    await yieldToEventLoop();
    throwIfAborted(signal);
  }
}

/** Floats that a forward hands to its caller. */
function outputFloats(
  config: AlbertConfig,
  shape: ForwardShape & { output_hidden_states: boolean },
  head: number,
): number {
  const { num_hidden_layers: layers, inner_group_num, num_attention_heads: heads, hidden_size } = config;
  const { batch, seq, output_attentions, output_hidden_states } = shape;
  const states = output_hidden_states ? (layers + 1) * batch * seq * hidden_size : 0;
  const weights = output_attentions ? layers * inner_group_num * batch * heads * seq * seq : 0;
  return head + states + weights;
}
