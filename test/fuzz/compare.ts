/** One random model in every build and dtype against the reference, each field within a bound. */
import { isDeepStrictEqual } from 'node:util';
import * as assert from 'uvu/assert';
import { FINE_STRETCH } from '../../src/engine/schemes.js';
import type { Tensor } from '../../src/ground/tensor.js';
import type { AlbertInputs } from '../../src/model/inputs.js';
import type { InitOptions } from '../../src/model/options.js';
import { encodeSafetensors } from '../../src/weights/safetensors.js';
import { type Format, formatsOf, quantize, rangeOf } from '../assembly/int8.js';
import { Random } from '../assembly/reference.js';
import { type Fields, forward } from '../reference/albert.js';
import type { Weights } from '../reference/encoder.js';
import type { Row, Rows } from '../reference/operations.js';
import { prefixOf } from '../reference/parameters.js';
import { BUILDS } from '../support/builds.js';
import { HEADS } from '../support/fixtures.js';
import { type Case, drawWeights, ON_THREADS } from './draw.js';

/**
 * What rounding alone may do to a model is measured on the reference: how far its answers move when each weight moves by
 * four units in the last place. Of 6,000 models none
 * was off by more than RATIO times that, or FLOOR of the field's scale.
 */
const NUDGE = 4 * 2 ** -24;
const RATIO = 16;
const FLOOR = 3e-6;

/**
 * The same for int8, whose reference rounds activations as the kernels do: what a rounding that falls the other way
 * may do is a share of what all of them do. Of 6,000 models none was off by more.
 */
const ROUNDED_SHARE = 6;

/** Models whose answers rounding moves further than this say nothing about a fault; the suite counts them. */
const ILL_CONDITIONED = 1e-4;

/** How a case went: `compared` fields, each error as a share of what it may be, and whether the bound means anything. */
export interface Outcome {
  readonly fields: number;
  readonly worst: number;
  readonly wellConditioned: boolean;
}

/**
 * Runs one case.
 *
 * @param answered what the model is given; another than `kase` only to see that the comparison notices
 * @throws an AssertionError that names build, dtype and field
 */
export async function checkCase(kase: Case, answered = kase): Promise<Outcome> {
  const weights = drawWeights(kase);
  const files = {
    'config.json': JSON.stringify(answered.config),
    'model.safetensors': encodeSafetensors(drawWeights(answered), 'F32', {}),
  };
  const exact = new Map(weights.map(({ name, shape, data }) => [name, toRows(data, shape)]));
  const wanted = reference(kase, exact);
  const sensitivity = distances(reference(kase, nudged(exact)), wanted).largest;
  const allowed = Math.max(FLOOR, RATIO * sensitivity);
  let [fields, worst] = [0, 0];
  const hold = (what: string, error: number, limit: number) => {
    fields++;
    worst = Math.max(worst, error / limit);
    // Written so that NaN fails.
    assert.ok(error <= limit, `${what}: ${error} > ${limit}`);
  };

  const answers = new Map<string, Fields>();
  for (const build of BUILDS) {
    const got = await run(answered, files, { wasmUrl: build.wasmUrl, dtype: 'float32' });
    answers.set(`${build.name} float32`, got.fields);
    for (const [name, error] of distances(got.fields, wanted).errors)
      hold(`${build.name} float32 ${name}`, error, allowed);
  }
  // The compiler's optimisations change no bit.
  assert.equal(answers.get('debug float32'), answers.get('simd float32'), 'debug and simd');

  for (const build of BUILDS.filter(({ name }) => name !== 'debug')) {
    const got = await run(answered, files, { wasmUrl: build.wasmUrl, dtype: 'int8' });
    answers.set(`${build.name} int8`, got.fields);
    const format = formatsOf(rangeOf(got.info.activationBits))[build.name];
    // The matrix behind the attention is in int8 only where activations have 8 bits, and then in stretches.
    const fine = got.info.activationBits === 8;
    const held = fine ? withFineStretches(got.weights) : got.weights;
    const unrounded = reference(kase, held);
    const rounded = reference(kase, held, (row, name) => {
      if (!isFine(name)) return quantized(row, format);
      return fine ? inStretches(row, (part) => quantized(part, format)) : row;
    });
    const rounding = distances(rounded, unrounded).largest;
    for (const [name, error] of distances(got.fields, rounded).errors) {
      hold(`${build.name} int8 ${name}`, error, allowed + ROUNDED_SHARE * rounding);
    }
  }
  if (answered === kase) await checkElsewhere(kase, files, answers);
  return { fields, worst, wellConditioned: sensitivity <= ILL_CONDITIONED };
}

/** Two threads or a worker give the bits that one thread has given, which are within the bound: the build and dtype go by turns. */
async function checkElsewhere(kase: Case, files: Files, answers: ReadonlyMap<string, Fields>): Promise<void> {
  const { elsewhere, weights } = kase;
  if (elsewhere === undefined) return;
  const turn = Math.floor(weights.seed / ON_THREADS);
  const builds = BUILDS.filter(({ name }) => name === 'simd' || name === 'relaxed');
  const { name } = builds[(turn >> 1) % builds.length]!;
  const dtype = (elsewhere === 'threads' ? turn : turn >> 1) % 2 === 0 ? 'float32' : 'int8';
  const where = elsewhere === 'threads' ? { threads: 2 } : { worker: true };
  const wasmUrl = new URL(`../../build/${name}${elsewhere === 'threads' ? '-threads' : ''}.wasm`, import.meta.url);
  const { fields, info } = await run(kase, files, { wasmUrl, dtype, ...where });
  assert.is(elsewhere === 'threads' ? info.threads : info.workers, elsewhere === 'threads' ? 2 : 1);
  for (const [field, values] of answers.get(`${name} ${dtype}`)!) {
    assert.ok(isDeepStrictEqual(fields.get(field), values), `${name} ${dtype} ${field}: other bits with ${elsewhere}`);
  }
}

function reference(kase: Case, weights: Weights, incoming?: (row: Row, name: string) => Row): Fields {
  const { config, head, batch } = kase;
  return forward({ config, weights, prefix: prefixOf(head), incoming }, head, batch);
}

type Files = Readonly<Record<string, string | Uint8Array>>;

async function run(kase: Case, files: Files, options: InitOptions) {
  await using model = await HEADS[kase.head].from_pretrained(files as never, { ...options, strict: true });
  assert.equal(model.loadReport.ignored, [], 'tensors without a use');
  const output = await model.forward(inputsOf(kase), { output_attentions: true, output_hidden_states: true });
  const fields = Object.entries(output as unknown as Record<string, Tensor | Tensor[]>).flatMap(([name, value]) =>
    Array.isArray(value)
      ? value.map((tensor, i) => [`${name}.${i}`, flat(tensor)] as const)
      : [[name, flat(value)] as const],
  );
  const weights =
    options.dtype === 'int8' && !options.worker
      ? [...model.params].map(([name, t]) => [name, toRows(t.data, t.shape)] as const)
      : [];
  return { fields: new Map(fields) as Fields, weights: new Map(weights), info: model.info() };
}

function flat({ data }: Tensor): Float64Array {
  return Float64Array.from(data as Float32Array);
}

function inputsOf({ batch, choices, omitted, head }: Case): AlbertInputs {
  const examples = (rows: (readonly number[])[]) =>
    head === 'multiple_choice'
      ? Array.from({ length: rows.length / choices }, (_, i) => rows.slice(i * choices, (i + 1) * choices))
      : rows;
  return {
    input_ids: examples(batch.map(({ ids }) => ids)) as never,
    ...(!omitted.includes('mask') && { attention_mask: examples(batch.map(({ mask }) => mask)) as never }),
    ...(!omitted.includes('types') && { token_type_ids: examples(batch.map(({ types }) => types)) as never }),
    ...(!omitted.includes('positions') && { position_ids: examples(batch.map(({ positions }) => positions)) as never }),
  };
}

/**
 * Largest distance of each field, as a share of its scale: its largest magnitude, for a head's fields at least 1, since
 * they are sums of hidden states of that size that may cancel. `largest` is the largest of them all.
 */
function distances(got: Fields, want: Fields): { errors: ReadonlyMap<string, number>; largest: number } {
  assert.equal([...got.keys()].sort(), [...want.keys()].sort(), 'fields');
  const errors = new Map<string, number>();
  for (const [name, expected] of want) {
    const values = got.get(name)!;
    assert.is(values.length, expected.length, `${name}: length`);
    let [error, scale] = [0, /^(hidden_states|attentions)\./.test(name) ? 0 : 1];
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs(values[i]! - expected[i]!);
      // A NaN is kept: it fails every comparison from here on.
      if (!(difference <= error)) error = difference;
      scale = Math.max(scale, Math.abs(expected[i]!));
    }
    errors.set(name, error / scale);
  }
  return { errors, largest: Math.max(...errors.values()) };
}

function toRows(data: Float32Array, shape: readonly number[]): Rows {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, i) => [...data.subarray(i * width, (i + 1) * width)]);
}

/** Each weight a few units of its last place up or down. */
function nudged(weights: Weights): Weights {
  const random = new Random(1);
  const nudge = (v: number) => v * (1 + (random.next() < 0.5 ? NUDGE : -NUDGE));
  return new Map([...weights].map(([name, rows]) => [name, rows.map((row) => row.map(nudge))]));
}

function isFine(name: string): boolean {
  return /\.attention\.dense(\.weight)?$/.test(name);
}

/** Rounds the inputs that share a scale with each other alone. */
function inStretches(row: Row, round: (part: Row) => Row): Row {
  const parts = Array.from({ length: Math.ceil(row.length / FINE_STRETCH) }, (_, i) => i * FINE_STRETCH);
  return parts.flatMap((from) => [...round(row.slice(from, from + FINE_STRETCH))]);
}

/** The weights as the kernels hold them: `params` has the exact ones of the matrices that are in int8 in stretches. */
function withFineStretches(weights: Weights): Weights {
  const levels = (part: Row) => {
    const { values, scales } = quantize(Float32Array.from(part), part.length, 127);
    return part.map((_, i) => (values[i] as number) * (scales[0] as number));
  };
  const held = (rows: Rows) => rows.map((row) => inStretches(row, levels));
  return new Map([...weights].map(([name, rows]) => [name, isFine(name) ? held(rows) : rows]));
}

/** The nearest that a build's activations have to a row. */
function quantized(row: Row, format: Format): Row {
  const { values, scales } = format.rows(Float32Array.from(row), row.length);
  return row.map((_, i) => (values[i] as number) * (scales[0] as number));
}
