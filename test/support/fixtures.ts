/** The FlaxAlbert fixtures as the tests read them: configuration, inputs, expected fields, weights. */
import { readdirSync, readFileSync } from 'node:fs';
import type { ModelFiles } from '../../src/ground/source.js';
import type { Tensor } from '../../src/ground/tensor.js';
import type { AlbertInputs } from '../../src/model/inputs.js';
import {
  AlbertForMaskedLM,
  AlbertForMultipleChoice,
  AlbertForPreTraining,
  AlbertForQuestionAnswering,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  AlbertModel,
} from '../../src/model/models.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.js';
import { formulaTensor } from './formula.js';

const FOLDER = new URL('../fixtures/flax/', import.meta.url);

type HeadName = keyof typeof classes;

const classes = {
  model: AlbertModel,
  pretraining: AlbertForPreTraining,
  masked_lm: AlbertForMaskedLM,
  sequence_classification: AlbertForSequenceClassification,
  multiple_choice: AlbertForMultipleChoice,
  token_classification: AlbertForTokenClassification,
  question_answering: AlbertForQuestionAnswering,
};

/** The model class of each head's folder, all typed as one: the tests read output fields by name. */
export const HEADS = classes as unknown as Readonly<Record<HeadName, typeof AlbertModel>>;

export interface Fixture {
  /** `case/head` */
  readonly name: string;
  readonly head: HeadName;
  readonly config: Record<string, unknown>;
  readonly inputs: AlbertInputs;
  /** `flax.…` and `f64.…` fields by name. */
  readonly expected: ReadonlyMap<
    string,
    { readonly shape: readonly number[]; readonly data: Float32Array | Float64Array }
  >;
  /** Real files beside the expectations, if any. */
  readonly files: readonly ('model.safetensors' | 'flax_model.msgpack')[];
}

/** Reads the bytes of a file of a fixture. */
export function fixtureBytes(name: string, file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}/${file}`, FOLDER)));
}

export function readFixture(name: string): Fixture {
  const expected: Map<string, { shape: readonly number[]; data: Float32Array | Float64Array }> = new Map();
  const inputs: Record<string, { data: BigInt64Array; shape: readonly number[] }> = {};
  for (const [key, { bytes, shape, dtype }] of decodeSafetensors(fixtureBytes(name, 'expected.safetensors'), name)
    .tensors) {
    const { buffer } = new Uint8Array(bytes);
    if (key.startsWith('input.')) inputs[key.slice(6)] = { data: new BigInt64Array(buffer), shape: [...shape] };
    else expected.set(key, { shape, data: dtype === 'F64' ? new Float64Array(buffer) : new Float32Array(buffer) });
  }
  const present = readdirSync(new URL(`${name}/`, FOLDER));
  return {
    name,
    head: name.split('/')[1] as HeadName,
    config: JSON.parse(new TextDecoder().decode(fixtureBytes(name, 'config.json'))),
    inputs: inputs as unknown as AlbertInputs,
    expected,
    files: (['model.safetensors', 'flax_model.msgpack'] as const).filter((file) => present.includes(file)),
  };
}

/** Every `case/head` folder. */
export const FIXTURE_NAMES: readonly string[] = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(new URL(`${name}/`, FOLDER)).map((head) => `${name}/${head}`));

/** FlaxAlbert's own largest absolute error against float64, by `case/head` and field. */
export const FLAX_ERRORS: Readonly<Record<string, Readonly<Record<string, number>>>> = JSON.parse(
  readFileSync(new URL('flax_error_vs_float64.json', FOLDER), 'utf8'),
);

/** A checkpoint of computed weights for a fixture's model, in memory. */
export async function formulaFiles({ head, config }: Pick<Fixture, 'head' | 'config'>): Promise<ModelFiles> {
  await using blank = await HEADS[head].from_config(config);
  const tensors = [...blank.params].map(([name, { shape }]: [string, Tensor]) => ({
    name,
    shape,
    data: formulaTensor(name, shape),
  }));
  return { 'config.json': JSON.stringify(config), 'model.safetensors': encodeSafetensors(tensors, 'F32', {}) };
}
