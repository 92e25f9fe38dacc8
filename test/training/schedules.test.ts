/** Learning rates, against numbers computed by hand from the formulas of transformers' `get_scheduler`. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { constantSchedule, cosineSchedule, linearSchedule, type Schedule } from '../../src/training/schedules.js';
import { expectError } from '../support/expect-error.js';

const OPTIONS = { learning_rate: 0.8, warmup_steps: 4, total_steps: 12 };

function assertRates(schedule: Schedule, rates: readonly number[]): void {
  for (const [step, rate] of rates.entries()) {
    assert.ok(Math.abs(schedule(step) - rate) < 1e-15, `step ${step}: ${schedule(step)}, not ${rate}`);
  }
}

test('linear: up from 0, down to 0, and 0 from then on', () => {
  assertRates(linearSchedule(OPTIONS), [0, 0.2, 0.4, 0.6, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0, 0]);
  assertRates(linearSchedule({ learning_rate: 1, total_steps: 4 }), [1, 0.75, 0.5, 0.25, 0]);
  // All is warm-up, and no step is left to fall in.
  assertRates(linearSchedule({ learning_rate: 1, warmup_steps: 2, total_steps: 2 }), [0, 0.5, 1, 0]);
});

test('cosine: up from 0, half a cosine down to 0', () => {
  const root = Math.SQRT1_2;
  const half = [1, 0.5 + root / 2, 0.5, 0.5 - root / 2, 0].map((x) => x * 0.8);
  assertRates(cosineSchedule({ learning_rate: 0.8, warmup_steps: 2, total_steps: 6 }), [0, 0.4, ...half]);
});

test('constant: up from 0, then the same', () => {
  assertRates(constantSchedule({ learning_rate: 0.8, warmup_steps: 2 }), [0, 0.4, 0.8, 0.8, 0.8]);
  assertRates(constantSchedule({ learning_rate: 0.8 }), [0.8, 0.8]);
});

test('options that are none', async () => {
  const wrong = [
    [{ ...OPTIONS, learning_rate: -1 }, 'learning_rate'],
    [{ ...OPTIONS, learning_rate: Number.NaN }, 'learning_rate'],
    [{ ...OPTIONS, warmup_steps: 1.5 }, 'warmup_steps'],
    [{ ...OPTIONS, total_steps: undefined }, 'total_steps'],
    [{ ...OPTIONS, warmupSteps: 3 }, 'here warmup_steps'],
    [undefined, 'learning_rate'],
  ] as const;
  for (const [options, word] of wrong) {
    for (const make of [linearSchedule, cosineSchedule]) {
      await expectError(async () => make(options as never), 'ERR_INPUT', word);
    }
  }
});

test.run();
