/**
 * Gradients against float64 autograd of PyTorch, for every head, in every build.
 *
 * A tensor may be off by 4 times the error of PyTorch's own float32 gradients, or by 2e-6 of the largest gradient of the model: a key's
 * bias has a gradient of zero, which both compute from large numbers.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { valueAndGrad } from '../../src/training/value-and-grad.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { formulaFiles, HEADS, readFixture } from '../support/fixtures.js';
import { GRADIENT_NAMES, pytorchErrors, readGradients } from '../support/gradients.js';

const most = (values: Float32Array) => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

if (GRADIENT_NAMES.length === 0) test.skip('the fixtures of gradients are not here');

let cases = 0;
for (const name of GRADIENT_NAMES) {
  for (const { name: build, wasmUrl } of BUILDS) {
    test(`${name}, ${build}`, async () => {
      const fixture = readFixture(name);
      const { labels, loss, grads } = readGradients(name);
      const errors = pytorchErrors()[name] as Readonly<Record<string, number>>;
      await using model = await HEADS[fixture.head].from_pretrained(await formulaFiles(fixture), { wasmUrl });
      const found = await valueAndGrad(model, fixture.inputs, labels as never);

      assert.ok(Math.abs(found.loss - loss) <= 4 * errors.loss! + 1e-6 * loss, `loss ${found.loss} instead of ${loss}`);
      assert.equal([...found.grads.keys()].sort(), [...grads.keys()].sort());
      const largest = Math.max(...[...grads.values()].map(({ data }) => most(data)));
      for (const [parameter, { data, shape }] of grads) {
        const own = found.grads.get(parameter)!;
        assert.equal([...own.shape], [...shape], parameter);
        const error = most(own.data.map((value, i) => value - data[i]!));
        const allowed = Math.max(4 * errors[parameter]!, 2e-6 * largest);
        assert.ok(error <= allowed, `${parameter}: off by ${error}, at most ${allowed}; its largest is ${most(data)}`);
        cases++;
      }
    });
  }
}

test('the cases', () => {
  if (GRADIENT_NAMES.length > 0) stateCases(cases, 811 * 3);
});

test.run();
