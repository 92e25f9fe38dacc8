/** Every fixture's model in int8, beside float32: how much of a field's energy is error, in each build. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tensor } from '../../src/ground/tensor.js';
import { BUILDS } from '../support/builds.js';
import { FIXTURE_NAMES, type Fixture, formulaFiles, HEADS, readFixture } from '../support/fixtures.js';

const parity = suite('int8 parity');

/**
 * The most that a field's mean squared error may be of its mean square. Measured on these fixtures: hidden states
 * 3.7e-4 at most with plain SIMD or none, whose activations have 13 bits; with relaxed SIMD, 1.8e-3 with 7 bits and 7e-4 with 8. The pooled
 * output, the logits and the head's own products come on top; fields of few numbers near zero, such as a sequence's two logits,
 * are good or bad by luck. What FlaxAlbert's weights would give is better than these: a formula fills a channel's whole range.
 */
const ALLOWED = {
  plain: { base: 5e-4, last_hidden_state: 5e-4, few: 2e-3, other: 1e-3 },
  relaxed: { base: 5e-4, last_hidden_state: 2.5e-3, few: 4e-2, other: 6e-3 },
} as const;
const FEW = 16;

/** Mean squared error by mean square; NaN anywhere makes it NaN. */
function nmse(got: ArrayLike<number>, want: ArrayLike<number>): number {
  assert.is(got.length, want.length, 'length');
  let [error, energy] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    error += ((got[i] as number) - (want[i] as number)) ** 2;
    energy += (want[i] as number) ** 2;
  }
  return error / energy;
}

let fields = 0;

async function check(fixture: Fixture, wasmUrl: URL, relaxed: boolean): Promise<void> {
  const files = await formulaFiles(fixture);
  const allowed = ALLOWED[relaxed ? 'relaxed' : 'plain'];
  await using float32 = await HEADS[fixture.head].from_pretrained(files, { wasmUrl });
  await using int8 = await HEADS[fixture.head].from_pretrained(files, { wasmUrl, dtype: 'int8' });
  const wanted = (await float32.forward(fixture.inputs)) as unknown as Record<string, Tensor>;
  const got = (await int8.forward(fixture.inputs)) as unknown as Record<string, Tensor>;
  assert.equal(Object.keys(got), Object.keys(wanted));
  for (const [field, { data, shape }] of Object.entries(wanted)) {
    const tensor = got[field] as Tensor;
    assert.equal([...tensor.shape], [...shape], field);
    const error = nmse(tensor.data as Float32Array, data as Float32Array);
    const usual = data.length <= FEW ? allowed.few : allowed.other;
    const limit = allowed[field as 'last_hidden_state'] ?? usual;
    assert.ok(error <= limit, `${fixture.name} ${field}: ${error} > ${limit}`);
    // Not float32 under another name.
    assert.ok(error > 1e-6, `${fixture.name} ${field}: ${error}`);
    fields++;
  }
  const exact = fixture.expected.get('f64.last_hidden_state');
  if (fixture.name === 'base_v2/model') {
    const error = nmse(got.last_hidden_state?.data as Float32Array, exact?.data as Float64Array);
    assert.ok(error <= allowed.base, `${fixture.name} against float64: ${error}`);
    fields++;
  }
}

for (const name of FIXTURE_NAMES) {
  const fixture = readFixture(name);
  for (const { name: build, wasmUrl } of BUILDS) {
    // The debug and the scalar build give the release build's products bit for bit, slowly: the small models say so.
    if ((build === 'debug' || build === 'scalar') && name.startsWith('base')) continue;
    parity(`${name}, ${build}`, () => check(fixture, wasmUrl, build === 'relaxed'));
  }
}

parity('all fields were compared', () => assert.ok(fields >= 35 * (BUILDS.length - 1), `${fields} fields`));

parity.run();
