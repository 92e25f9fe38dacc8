/** attentionGradient of one head in the middle of a wide matrix: every remainder, every kind of mask, with and without dropout. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { padded } from '../arena.js';
import { assertWithin, Cases } from '../harness.js';
import { type Head, MASKS, makeHead, probabilities } from '../heads.js';
import { type Expected, Random, sumError, TINY, UNIT } from '../reference.js';
import { everyTrainingBuild } from './harness.js';

const test = suite('attentionGradient');
const cases = new Cases(1_700);

const PARTS = ['query', 'key', 'value'] as const;
type Gradients = Record<(typeof PARTS)[number], Expected>;

function zeros(n: number): Expected {
  return { values: new Float64Array(n), bounds: new Float64Array(n).fill(TINY) };
}

/** The gradients of Σ dContext · context in float64, with bounds that follow the roundings of each step. */
function reference(head: Head, dContext: Float32Array): Gradients {
  const { seq, headDim, q, k, v, keep, scale } = head;
  const probs = probabilities(head);
  const gradients: Gradients = { query: zeros(seq * headDim), key: zeros(seq * headDim), value: zeros(seq * headDim) };
  const share = sumError(seq);
  const add = ({ values, bounds }: Expected, at: number, factor: number, error: number, x: number) => {
    values[at]! += factor * x;
    bounds[at]! += Math.abs(x) * (error + share * Math.abs(factor));
  };
  for (let i = 0; i < seq; i++) {
    const dProbs = new Float64Array(seq);
    const errors = new Float64Array(seq);
    let [mean, meanError] = [0, 0];
    for (let j = 0; j < seq; j++) {
      const factor = keep?.[i * seq + j] ?? 1;
      for (let d = 0; d < headDim; d++) {
        const product = dContext[i * headDim + d]! * v[j * headDim + d]! * factor;
        dProbs[j]! += product;
        errors[j]! += (sumError(headDim) + UNIT) * Math.abs(product);
      }
      const [p, error] = [probs.values[i * seq + j]!, probs.bounds[i * seq + j]!];
      mean += p * dProbs[j]!;
      meanError += (error + share * p) * Math.abs(dProbs[j]!) + p * errors[j]!;
    }
    for (let j = 0; j < seq; j++) {
      const [p, error, factor] = [probs.values[i * seq + j]!, probs.bounds[i * seq + j]!, keep?.[i * seq + j] ?? 1];
      const rest = dProbs[j]! - mean;
      const dScore = p * rest * scale;
      const magnitude = Math.abs(dProbs[j]!) + Math.abs(mean);
      const dScoreError = scale * (error * Math.abs(rest) + p * (errors[j]! + meanError + 4 * UNIT * magnitude)) + TINY;
      for (let d = 0; d < headDim; d++) {
        const [mine, other] = [i * headDim + d, j * headDim + d];
        add(gradients.value, other, p * factor, (error + UNIT * p) * factor, dContext[mine]!);
        add(gradients.query, mine, dScore, dScoreError, k[other]!);
        add(gradients.key, other, dScore, dScoreError, q[mine]!);
      }
    }
  }
  return gradients;
}

/** Σ dContext · context in float64. */
function loss(head: Head, dContext: Float32Array): number {
  const { seq, headDim, v, keep } = head;
  const { values } = probabilities(head);
  let sum = 0;
  for (let i = 0; i < seq; i++) {
    for (let j = 0; j < seq; j++) {
      for (let d = 0; d < headDim; d++) {
        sum += values[i * seq + j]! * (keep?.[i * seq + j] ?? 1) * v[j * headDim + d]! * dContext[i * headDim + d]!;
      }
    }
  }
  return sum;
}

function check(seq: number, headDim: number, mask: string, dropout: boolean): void {
  const head = makeHead(seq, headDim, mask, dropout);
  const dContext = new Random(seq * 77 + headDim).weighty(seq * headDim);
  const [index, heads] = seq % 2 ? [1, 3] : [1, 2];
  const hidden = heads * headDim;
  const label = `seq ${seq}, headDim ${headDim}, mask ${mask}, dropout ${dropout}, head ${index} of ${heads}`;
  const answers = everyTrainingBuild(cases, label, (arena, kernels) => {
    const gap = (headDim % 3) * 4;
    const stride = (padded(3 * hidden) + gap) * 4;
    const place = (address: number, part: number) => address + (part * hidden + index * headDim) * 4;
    const wide = arena.matrix(seq, 3 * hidden, stride);
    for (const [part, data] of [head.q, head.k, head.v].entries()) {
      arena.put({ ...wide, address: place(wide.address, part), cols: headDim }, data);
    }
    const dWide = arena.matrix(seq, 3 * hidden, stride);
    const out = PARTS.map((_, part) => {
      return arena.allowExactly({ ...dWide, address: place(dWide.address, part), cols: headDim });
    });
    const maskBias = arena.vector(head.maskBias);
    const all = arena.matrix(seq, hidden, (padded(hidden) + gap) * 4);
    const mine = arena.put({ ...all, address: all.address + index * headDim * 4, cols: headDim }, dContext).address;
    const scratch = arena.scratch(kernels.attentionGradientScratchBytes(seq, headDim));
    const factors = head.keep ? arena.input(head.keep, seq, seq).address : 0;
    const [query, dQuery] = [place(wide.address, 0), place(dWide.address, 0)];
    const sizes = [seq, headDim, head.scale, scratch, factors] as const;
    const run = () =>
      kernels.attentionGradient(query, dQuery, stride, hidden * 4, maskBias, mine, all.stride, ...sizes);
    return { run, out };
  });
  const gradients = reference(head, dContext);
  for (const { build, values } of answers) {
    for (const [part, name] of PARTS.entries()) {
      const { values: expected, bounds } = gradients[name];
      const actual = values.slice(part * seq * headDim, (part + 1) * seq * headDim);
      assertWithin(actual, expected, bounds, `${label}, ${build}: ${name}`);
      if (name === 'query' || mask === 'all') continue;
      for (const [at, x] of actual.entries()) {
        if (head.maskBias[Math.floor(at / headDim)]) assert.ok(x === 0, `${label}, ${build}: ${name} of a masked key`);
      }
    }
  }
}

for (const mask of Object.keys(MASKS)) {
  test(`every remainder, mask: ${mask}`, () => {
    for (const seq of [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17, 20]) {
      for (const headDim of [1, 2, 3, 4, 5, 7, 8, 9, 12, 17]) {
        for (const dropout of [false, true]) check(seq, headDim, mask, dropout);
      }
    }
  });

  test(`more than one block of queries, mask: ${mask}`, () => {
    for (const seq of [47, 48, 49, 97]) {
      for (const headDim of [5, 16]) check(seq, headDim, mask, headDim === 5);
    }
  });
}

test('larger heads', () => {
  for (const seq of [6, 33, 128]) {
    for (const headDim of [26, 64]) {
      for (const dropout of [false, true]) check(seq, headDim, 'right', dropout);
    }
  }
});

test('the reference is the derivative of the loss', () => {
  for (const [seq, headDim, mask, dropout] of [
    [1, 3, 'none', true],
    [4, 3, 'none', false],
    [5, 2, 'right', true],
    [7, 5, 'holes', true],
    [6, 4, 'last', false],
  ] as const) {
    const head = makeHead(seq, headDim, mask, dropout);
    const dContext = new Random(seq).weighty(seq * headDim);
    const gradients = reference(head, dContext);
    for (const [name, key] of [
      ['query', 'q'],
      ['key', 'k'],
      ['value', 'v'],
    ] as const) {
      for (let at = 0; at < seq * headDim; at++) {
        const moved = (by: number) => {
          const data = Float64Array.from(head[key]);
          data[at]! += by;
          return loss({ ...head, [key]: data }, dContext);
        };
        const difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        const expected = gradients[name].values[at]!;
        assert.ok(Math.abs(difference - expected) < 1e-7, `${name} ${at} of ${seq}: ${difference}, not ${expected}`);
      }
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
