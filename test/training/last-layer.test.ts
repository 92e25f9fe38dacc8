/** The last layer computes only the rows that the head reads: their gradients are those of a layer that computes all. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { valueAndGrad } from '../../src/training/value-and-grad.js';
import { texts, tinyModel } from './models.js';

const test = suite('last layer in training');

const INPUTS = texts([4, 3]);
const WORDS = [
  [7, 11, 3, 90],
  [23, 5, 41],
];
const TOKENS = WORDS.flat().length;

for (const recompute of [false, true]) {
  test(`every word at once, and each alone${recompute ? ', computed again' : ''}`, async () => {
    await using model = await tinyModel('masked_lm');
    const whole = await valueAndGrad(model, INPUTS, { labels: WORDS }, { recompute });
    let loss = 0;
    const sums = new Map([...whole.grads].map(([name, { data }]) => [name, new Float64Array(data.length)]));
    for (const [text, words] of WORDS.entries()) {
      for (const position of words.keys()) {
        const labels = WORDS.map((row, t) => row.map((word, i) => (t === text && i === position ? word : -100)));
        const alone = await valueAndGrad(model, INPUTS, { labels }, { recompute });
        loss += alone.loss / TOKENS;
        for (const [name, { data }] of alone.grads) {
          const sum = sums.get(name) as Float64Array;
          for (const [i, value] of data.entries()) sum[i] = (sum[i] as number) + value / TOKENS;
        }
      }
    }
    assert.ok(Math.abs(loss - whole.loss) < 1e-6 * whole.loss, `${loss}, ${whole.loss}`);
    const largest = Math.max(...[...whole.grads.values()].map(({ data }) => Math.max(...data.map(Math.abs))));
    for (const [name, { data }] of whole.grads) {
      const sum = sums.get(name) as Float64Array;
      const worst = Math.max(...data.map((value, i) => Math.abs(value - (sum[i] as number))));
      assert.ok(worst < 5e-6 * largest, `${name}: ${worst} of ${largest}`);
    }
  });
}

test.run();
