/** attention and attentionWide of one head in the middle of a wide matrix: every remainder, every kind of mask, weights asked for or not. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { padded } from './arena.js';
import { type Answer, assertSameBits, assertWithin, Cases, everyBuild } from './harness.js';
import { type Head, MASKS, makeHead, probabilities } from './heads.js';
import { type Expected, Random, sumError, TINY, UNIT } from './reference.js';

const test = suite('attention');
const cases = new Cases(8_400);

/** The attention weights after dropout, and the context, in float64. */
function reference(head: Head): { probs: Expected; context: Expected } {
  const { seq, headDim, v, keep } = head;
  const probs = probabilities(head);
  const context = { values: new Float64Array(seq * headDim), bounds: new Float64Array(seq * headDim) };
  for (let i = 0; i < seq; i++) {
    for (let j = 0; keep !== undefined && j < seq; j++) {
      const [at, factor] = [i * seq + j, keep[i * seq + j]!];
      probs.bounds[at] = (probs.bounds[at]! + UNIT * probs.values[at]!) * factor;
      probs.values[at]! *= factor;
    }
    for (let d = 0; d < headDim; d++) {
      let error = TINY;
      for (let j = 0; j < seq; j++) {
        const [p, x] = [probs.values[i * seq + j]!, v[j * headDim + d]!];
        context.values[i * headDim + d]! += p * x;
        error += Math.abs(x) * (probs.bounds[i * seq + j]! + sumError(seq) * p);
      }
      context.bounds[i * headDim + d] = error;
    }
  }
  return { probs, context };
}

interface Layout {
  /** Which of so many heads: the other heads' columns are poisoned. */
  readonly head: number;
  readonly heads: number;
  readonly gap: number;
  readonly withProbs: boolean;
  /** How many of its first queries; default: all. */
  readonly queries?: number;
  /** Default: `attention`. */
  readonly kernel?: 'attention' | 'attentionWide';
}

/** The context, and after it the weights if asked for. */
function attend(
  head: Head,
  { head: index, heads, gap, withProbs, queries = head.seq, kernel = 'attention' }: Layout,
  label: string,
): Answer[] {
  const { seq, headDim, scale, keep } = head;
  const hidden = heads * headDim;
  return everyBuild(cases, label, (arena, kernels) => {
    const wide = arena.matrix(seq, 3 * hidden, (padded(3 * hidden) + gap) * 4);
    const slices = [head.q, head.k, head.v].map((data, part) => {
      const address = wide.address + (part * hidden + index * headDim) * 4;
      return arena.put({ ...wide, address, cols: headDim }, data).address;
    });
    const [q, k, v] = slices as [number, number, number];
    const mask = arena.vector(head.maskBias);
    const all = arena.matrix(queries, hidden, (padded(hidden) + gap) * 4);
    const context = arena.allowExactly({ ...all, address: all.address + index * headDim * 4, cols: headDim });
    const scratch = arena.scratch(kernels.attentionScratchBytes(seq, headDim));
    const probs = withProbs ? arena.allowExactly(arena.matrix(queries, seq, seq * 4, seq)) : undefined;
    const factors = keep ? arena.input(keep, seq, seq).address : 0;
    const run = () =>
      kernels[kernel](
        q,
        k,
        v,
        wide.stride,
        mask,
        context.address,
        context.stride,
        seq,
        headDim,
        scale,
        scratch,
        probs?.address ?? 0,
        factors,
        queries,
      );
    return { run, out: probs ? [context, probs] : [context] };
  });
}

function check(seq: number, headDim: number, mask: string, dropout: boolean, gap = 0): void {
  const head = makeHead(seq, headDim, mask, dropout);
  const { probs, context } = reference(head);
  const [index, heads] = seq % 2 ? [1, 3] : [1, 2];
  const label = `seq ${seq}, headDim ${headDim}, mask ${mask}, dropout ${dropout}, head ${index} of ${heads}`;
  const alone = attend(head, { head: index, heads, gap, withProbs: false }, label);
  const same = (layout: Partial<Layout>) => {
    const { queries = seq, kernel = 'attention' } = layout;
    const answers = attend(head, { head: index, heads, gap, withProbs: false, ...layout }, label);
    for (const [b, { build, values }] of answers.entries()) {
      const rows = alone[b]!.values.slice(0, queries * headDim);
      assertSameBits(values, rows, `${label}, ${build}: ${kernel}, ${queries} queries`);
    }
  };
  same({ queries: Math.ceil(seq / 3) });
  same({ kernel: 'attentionWide' });
  for (const [b, { build, values }] of attend(head, { head: index, heads, gap, withProbs: true }, label).entries()) {
    const [c, p] = [values.slice(0, seq * headDim), values.slice(seq * headDim)];
    assertWithin(p, probs.values, probs.bounds, `${label}, ${build}: weights`);
    assertWithin(c, context.values, context.bounds, `${label}, ${build}: context`);
    assertSameBits(c, alone[b]!.values, `${label}, ${build}: context with and without weights`);
    if (mask === 'all' || dropout) continue;
    for (const [i, w] of p.entries()) {
      if (head.maskBias[i % seq]) assert.is(w, 0, `${label}, ${build}: weight of masked key ${i % seq}`);
    }
  }
}

for (const mask of Object.keys(MASKS)) {
  test(`every remainder, mask: ${mask}`, () => {
    for (let seq = 1; seq <= 20; seq++) {
      for (let headDim = 1; headDim <= 17; headDim++) {
        for (const dropout of [false, true]) check(seq, headDim, mask, dropout, (headDim % 3) * 4);
      }
    }
  });

  test(`larger heads, mask: ${mask}`, () => {
    for (const seq of [1, 6, 33, 128]) {
      for (const headDim of [8, 17, 64]) {
        for (const dropout of [false, true]) check(seq, headDim, mask, dropout);
      }
    }
  });
}

test('a row that is masked everywhere is uniform, bit for bit', () => {
  for (const seq of [1, 2, 4, 8, 16, 32]) {
    const head = makeHead(seq, 8, 'all', false);
    const layout = { head: 0, heads: 1, gap: 0, withProbs: true };
    for (const { values } of attend(head, layout, `all masked, seq ${seq}`)) {
      for (const p of values.subarray(seq * 8)) assert.is(p, 1 / seq, `all masked, seq ${seq}`);
    }
  }
});

test('masked keys at the end of a sequence change no bits', () => {
  for (let seq = 1; seq <= 24; seq++) {
    const long = makeHead(seq + (seq % 17) + 1, 8, 'none', false);
    long.maskBias.fill(-1e10, seq);
    const [q, k, v] = [long.q, long.k, long.v].map((x) => x.slice(0, seq * 8)) as [Head['q'], Head['k'], Head['v']];
    const short = { ...long, seq, q, k, v, maskBias: new Float32Array(seq) };
    const layout = { head: 0, heads: 1, gap: 0, withProbs: false, queries: seq };
    const answers = attend(short, layout, `seq ${seq}`);
    for (const [b, { build, values }] of attend(long, layout, `seq ${seq} and masked keys`).entries()) {
      assertSameBits(values, answers[b]!.values, `seq ${seq}, ${build}: masked keys at the end`);
    }
  }
});

test('what lies under a masked key does not matter', () => {
  for (const seq of [3, 8, 13]) {
    const head = makeHead(seq, 9, 'right', false);
    const other = { ...head, k: head.k.slice(), v: head.v.slice() };
    for (let j = 0; j < seq; j++) {
      if (!head.maskBias[j]) continue;
      other.k.fill(123, j * 9, j * 9 + 9);
      other.v.fill(-456, j * 9, j * 9 + 9);
    }
    const layout = { head: 2, heads: 4, gap: 0, withProbs: true };
    const answers = attend(head, layout, `seq ${seq}`);
    for (const [b, { values }] of attend(other, layout, `seq ${seq}, other keys`).entries()) {
      assertSameBits(values, answers[b]!.values, `seq ${seq}: masked keys changed`);
    }
  }
});

test('a bias of any size is added to its key', () => {
  for (const seq of [2, 5, 12]) {
    const head = { ...makeHead(seq, 7, 'none', false), maskBias: new Random(seq).uniform(seq, -3, 3) };
    const { context } = reference(head);
    const layout = { head: 0, heads: 2, gap: 0, withProbs: false };
    for (const { values } of attend(head, layout, `bias, seq ${seq}`)) {
      assertWithin(values, context.values, context.bounds, `bias, seq ${seq}`);
    }
  }
});

test('enough cases', () => cases.assertEnough());

test.run();
