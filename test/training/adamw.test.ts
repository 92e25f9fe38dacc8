/** Twenty steps of AdamW against float64 PyTorch, for every head that the fixtures have, in every build. */
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adamw } from '../../src/training/optimizers.js';
import { linearSchedule } from '../../src/training/schedules.js';
import { TrainState } from '../../src/training/state.js';
import { decodeSafetensors } from '../../src/weights/safetensors.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { formulaFiles, HEADS, readFixture } from '../support/fixtures.js';
import { GRADIENT_NAMES, readGradients } from '../support/gradients.js';

const fileOf = (name: string) => new URL(`../../../shared/fixtures/${name}/adamw.safetensors`, import.meta.url);
const NAMES = GRADIENT_NAMES.filter((name) => existsSync(fileOf(name)));
if (NAMES.length === 0) test.skip('the fixtures of AdamW are not here');

function readSteps(name: string) {
  const parameters = new Map<string, Float32Array>();
  const numbers: Record<string, Float64Array> = {};
  for (const [key, { bytes }] of decodeSafetensors(new Uint8Array(readFileSync(fileOf(name))), name).tensors) {
    const { buffer } = new Uint8Array(bytes);
    if (key.startsWith('param.')) parameters.set(key.slice(6), new Float32Array(buffer));
    else numbers[key] = new Float64Array(buffer);
  }
  return { parameters, ...(numbers as Record<'loss' | 'grad_norm' | 'learning_rate', Float64Array>) };
}

function assertNear(found: number, expected: number, bound: number, label: string): void {
  assert.ok(Math.abs(found - expected) <= bound, `${label}: ${found}, not ${expected}`);
}

let cases = 0;
for (const name of NAMES) {
  for (const { name: build, wasmUrl } of BUILDS) {
    test(`${name}, ${build}`, async () => {
      const fixture = readFixture(name);
      const { labels } = readGradients(name);
      const { loss, grad_norm, learning_rate, parameters } = readSteps(name);
      await using model = await HEADS[fixture.head].from_pretrained(await formulaFiles(fixture), { wasmUrl });
      const optimizer = adamw({ learning_rate: (step) => learning_rate[step]! });
      await using state = await TrainState.create(model, optimizer);
      for (const step of loss.keys()) {
        const found = await state.step(fixture.inputs, labels as never);
        assertNear(found.loss, loss[step]!, 0.005 * loss[step]!, `loss of step ${step}`);
        // Near the minimum, what is left of the gradient depends on every rounding before.
        assertNear(
          found.grad_norm,
          grad_norm[step]!,
          0.005 * grad_norm[step]! + 2e-4 * grad_norm[0]!,
          `norm of step ${step}`,
        );
        assert.is(found.learning_rate, learning_rate[step]);
        cases++;
      }
      for (const [parameter, { data }] of model.params) {
        const expected = parameters.get(parameter)!;
        const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
        assert.ok(worst <= 2e-3, `${parameter}: off by ${worst}`);
      }
      assert.is(model.params.size, parameters.size);
    });
  }
}

test("the fixtures' learning rates are a linear schedule's, one step ahead", () => {
  for (const name of NAMES) {
    const schedule = linearSchedule({ learning_rate: 2e-3, warmup_steps: 4, total_steps: 20 });
    for (const [step, rate] of readSteps(name).learning_rate.entries())
      assertNear(schedule(step + 1), rate, 1e-15, name);
  }
});

test('the cases', () => {
  if (NAMES.length > 0) stateCases(cases, 6 * 3 * 20);
});

test.run();
