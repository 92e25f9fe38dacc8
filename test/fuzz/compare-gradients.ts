/** The loss and gradients of one random batch against the float64 reference, each tensor within a bound. */
import * as assert from 'uvu/assert';
import type { Tensor } from '../../src/ground/tensor.js';
import type { AlbertInputs } from '../../src/model/inputs.js';
import { valueAndGrad } from '../../src/training/value-and-grad.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { rounding } from '../reference/arithmetic.js';
import { type Gradients, lossAndGradients } from '../reference/backward.js';
import type { Sequence } from '../reference/encoder.js';
import { BUILDS, type Build } from '../support/builds.js';
import { HEADS } from '../support/fixtures.js';
import { drawWeights } from './draw.js';
import type { TrainingCase } from './draw-training.js';

/**
 * What float32 may do to a tensor's gradient is measured on the reference: how far it moves when each operation, forward
 * and backward, is off by half a unit in the last place of what took part in it (test/reference/arithmetic.ts), the
 * furthest of RUNS such runs. A gradient may be off by RATIO times that, and by FLOOR of the tensor's largest element. In a
 * tensor of one element or two these moves may cancel: LEAST of the largest gradient of all tensors is allowed in each.
 */
const RUNS = 2;
const RATIO = 16;
const FLOOR = 1e-6;
const LEAST = 2 ** -22;
/** What a kernel may take for zero: below it lie products of numbers that float32 holds as less than normal. */
const TINY = 2 ** -100;

/** Batches whose gradients rounding moves further than this say nothing about a fault; the suite counts them. */
const ILL_CONDITIONED = 1e-4;

/** Where an activation came as near as this to a jump of its derivative, rounding may have taken it across. */
const AT_A_KINK = 1e-5;

/** The pooler of AlbertModel, which no loss reads and which gets no gradient. */
const UNREAD: ReadonlySet<string> = new Set(['pooler.weight', 'pooler.bias']);

/** How a case went: `compared` tensors, the worst error as a share of its bound, and whether the bound means anything. */
export interface Outcome {
  readonly tensors: number;
  readonly worst: number;
  readonly clear: boolean;
}

/** A loss and its gradients, in this or that arithmetic. */
type Answer = Pick<Gradients, 'loss' | 'grads'>;

/** What a case's answers may be. */
export interface Expectation {
  readonly exact: Gradients;
  /** By the name of the tensor; of the loss by `loss`. */
  readonly bounds: ReadonlyMap<string, number>;
  readonly clear: boolean;
}

export function expectation(kase: TrainingCase): Expectation {
  const weights = new Map(drawWeights(kase).map(({ name, shape, data }) => [name, { shape, data }]));
  const exact = lossAndGradients(kase, weights);
  const moved = Array.from({ length: RUNS }, (_, i) =>
    lossAndGradients(kase, weights, rounding(kase.weights.seed + i)),
  );
  const bounds = new Map<string, number>();
  const scale = Math.max(...[...exact.grads.values()].map(largest));
  let worst = 0;
  for (const [name, grad] of exact.grads) {
    const distance = Math.max(...moved.map(({ grads }) => distanceOf(grads.get(name)!, grad)));
    if (scale > 0) worst = Math.max(worst, distance / scale);
    bounds.set(name, RATIO * distance + FLOOR * largest(grad) + LEAST * scale + TINY);
  }
  const lossDistance = Math.max(...moved.map(({ loss }) => Math.abs(loss - exact.loss)));
  bounds.set('loss', RATIO * lossDistance + FLOOR * Math.max(1, exact.loss));
  return { exact, bounds, clear: !(worst > ILL_CONDITIONED) && exact.nearestKink > AT_A_KINK };
}

/**
 * Holds an answer against what it may be.
 *
 * @returns the worst error as a share of its bound
 * @throws an AssertionError that names the tensor
 */
export function hold(what: string, answer: Answer, { exact, bounds }: Expectation): number {
  const names = [...exact.grads.keys()].filter((name) => !UNREAD.has(name));
  assert.equal([...answer.grads.keys()].sort(), names.sort(), `${what}: tensors`);
  let worst = 0;
  const within = (name: string, error: number) => {
    const bound = bounds.get(name)!;
    worst = Math.max(worst, error / bound);
    // Written so that NaN fails.
    assert.ok(error <= bound, `${what} ${name}: ${error} > ${bound}`);
  };
  within('loss', Math.abs(answer.loss - exact.loss));
  for (const name of names) {
    const [values, grad] = [answer.grads.get(name)!, exact.grads.get(name)!];
    assert.is(values.length, grad.length, `${what} ${name}: elements`);
    within(name, distanceOf(values, grad));
  }
  return worst;
}

/** Runs one case in one build; where it says so, on two threads once more, which give the same bits. */
export async function checkCase(kase: TrainingCase, build: Build): Promise<Outcome> {
  const expected = expectation(kase);
  const answer = await run(kase, build.wasmUrl);
  const { clear } = expected;
  const worst = clear ? hold(build.name, answer, expected) : 0;
  if (kase.threads && (build.name === 'simd' || build.name === 'relaxed')) {
    const wasmUrl = new URL(`../../build/${build.name}-threads.wasm`, import.meta.url);
    assert.equal(await run(kase, wasmUrl, 2), answer, `${build.name}: other bits on two threads`);
  }
  return { tensors: expected.bounds.size, worst, clear };
}

/** One build per case, by turns. */
export function buildOf(seed: number): Build {
  return BUILDS[seed % BUILDS.length]!;
}

async function run(kase: TrainingCase, wasmUrl: URL, threads = 1): Promise<Answer> {
  const files = {
    'config.json': JSON.stringify(kase.config),
    'model.safetensors': encodeSafetensors(drawWeights(kase), 'F32', {}),
  };
  await using model = await HEADS[kase.head].from_pretrained(files, { wasmUrl, threads, strict: true });
  assert.is(model.info().threads, threads);
  const { labels, smoothing, dropout, recompute } = kase;
  const { loss, grads } = await valueAndGrad(model, inputsOf(kase) as never, labels as never, {
    ...(smoothing ? { label_smoothing_factor: smoothing } : {}),
    ...(dropout === undefined ? {} : { dropout_rng: dropout }),
    ...(recompute === undefined ? {} : { recompute }),
  });
  return {
    loss,
    grads: new Map(
      [...grads].map(([name, { data }]: [string, Tensor]) => [name, Float64Array.from(data as Float32Array)]),
    ),
  };
}

function inputsOf({ head, examples, omitted, ragged }: TrainingCase): unknown {
  const field = (sequences: readonly (readonly Sequence[])[], read: (sequence: Sequence) => readonly number[]) =>
    sequences.map((choices) => (head === 'multiple_choice' ? choices.map(read) : read(choices[0]!)));
  const inputs = (sequences: readonly (readonly Sequence[])[]) =>
    ({
      input_ids: field(sequences, ({ ids }) => ids),
      ...(!omitted.includes('mask') && { attention_mask: field(sequences, ({ mask }) => mask) }),
      ...(!omitted.includes('types') && { token_type_ids: field(sequences, ({ types }) => types) }),
      ...(!omitted.includes('positions') && { position_ids: field(sequences, ({ positions }) => positions) }),
    }) as AlbertInputs;
  const list = () => examples.map((example) => inputs([example]));
  if (head === 'model') {
    const texts = list();
    return { sentence1: texts.slice(0, texts.length / 2), sentence2: texts.slice(texts.length / 2) };
  }
  return ragged ? list() : inputs(examples);
}

function largest(values: Float64Array): number {
  return values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}

function distanceOf(got: Float64Array, want: Float64Array): number {
  let most = 0;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i]! - want[i]!);
    // A NaN is kept: it fails every comparison from here on.
    if (!(error <= most)) most = error;
  }
  return most;
}
