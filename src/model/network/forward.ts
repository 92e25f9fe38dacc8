/** FlaxAlbert's forward method over planned memory: embeddings, encoder, pooler, head. */
import { yieldToEventLoop } from '#platform';
import type { Engine } from '../../engine/engine.js';
import { throwIfAborted } from '../../ground/abort.js';
import type { Tensor } from '../../ground/tensor.js';
import type { AlbertConfig } from '../config.js';
import type { ForwardOptions } from '../options.js';
import { matchParams } from '../parameters/match.js';
import { packWeights, stagingFloats } from '../parameters/pack.js';
import { type Batch, rowsRead } from './batch.js';
import { planBody, runBody } from './body.js';
import type { ForwardContext } from './context.js';
import { DropoutStream } from './dropout.js';
import { type Collected, collectedFloats } from './encoder.js';
import type { Head } from './head.js';
import { type Layout, layOut } from './layout.js';

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
  const dropout = train ? new DropoutStream(dropout_rng) : undefined;
  // Dropout drops an element by its row, and what a caller collects has all rows.
  const whole = output_attentions || output_hidden_states || train || config.num_hidden_layers === 0;
  const lastRows = whole ? undefined : rowsRead(batch, head);
  const context: ForwardContext = { engine, config, batch, lastRows, output_attentions, output_hidden_states, dropout };

  const { memory } = engine;
  memory.checkOutput((head.outputFloats(config, batch) + collectedFloats(context)) * 4);
  const before = memory.used;
  try {
    const region = memory.region();
    const layout = params === undefined ? loaded : layOut(region, engine, config, head);
    const weights = { start: region.start, end: region.end };
    const sources = params === undefined ? undefined : matchParams(layout.parameters, params);
    const staging = region.take(sources === undefined ? 0 : stagingFloats(layout.parameters) * 4);
    const body = planBody(region, context);
    const activations = head.plan(region, context);
    memory.claim(region);

    if (sources !== undefined) await packWeights(engine, sources, weights, staging);
    const layers = runBody(context, layout.body, body);
    const collected = await finishLayers(layers, signal);
    const input = { hidden: body.headHidden, pooled: body.pooler.pooled };
    return head.run(context, layout.head, activations, input).map((fields, i) => {
      const { hidden_states, attentions } = collected[i] as Collected;
      return { ...fields, ...(hidden_states && { hidden_states }), ...(attentions && { attentions }) };
    });
  } finally {
    memory.release(before);
  }
}

/** Runs the layers. With a signal, the event loop gets a turn after each, and the signal is checked. @throws ERR_ABORTED */
export async function finishLayers<T>(layers: Generator<void, T>, signal: AbortSignal | undefined): Promise<T> {
  for (;;) {
    const step = layers.next();
    if (step.done) return step.value;
    if (signal === undefined) continue;
    await yieldToEventLoop();
    throwIfAborted(signal);
  }
}
