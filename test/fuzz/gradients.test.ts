/**
 * Gradients of random batches against the float64 reference of `test/reference/backward.ts`. `FUZZ_SEED` and `FUZZ_MODELS`
 * choose another or a longer run, `FUZZ_SEED=<seed> FUZZ_MODELS=1` replays one; a batch that fails is written to `kept/`
 * and replayed from there.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lossAndGradients } from '../reference/backward.js';
import { IGNORED } from '../reference/losses.js';
import { ACT2FN } from '../reference/operations.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { buildOf, checkCase, expectation, hold } from './compare-gradients.js';
import { drawWeights, HEAD_NAMES } from './draw.js';
import { drawTraining, type TrainingCase } from './draw-training.js';

const test = suite('gradients of random models');

const SEED = Number(process.env.FUZZ_SEED ?? 20260101);
const CASES = Number(process.env.FUZZ_MODELS ?? 300);
const LEAST = process.env.FUZZ_MODELS === undefined ? 300 : 1;
const KEPT = new URL('kept/', import.meta.url);

/** What a faulty backward pass would do, done to the case that it is given. `undefined`: this case cannot show it. */
const FAULTS: Readonly<Record<string, (kase: TrainingCase) => TrainingCase | undefined>> = {
  'the mask ignored': (kase) => changed(kase, 'mask', ({ mask }) => mask.includes(0) && mask.map(() => 1)),
  'positions one further': (kase) =>
    changed(kase, 'positions', ({ positions }) => {
      const count = kase.config.max_position_embeddings;
      return count > 1 && positions.map((p) => (p + 1) % count);
    }),
  'another smoothing': (kase) => (kase.smoothing ? { ...kase, smoothing: kase.smoothing + 0.01 } : undefined),
  'a label that does not count': (kase) => {
    const { labels } = kase.labels;
    const ignored = labels?.flat().includes(IGNORED);
    const count = (label: number) => (label === IGNORED ? 0 : label);
    if (!ignored) return undefined;
    return {
      ...kase,
      labels: { ...kase.labels, labels: labels!.map((l) => (typeof l === 'number' ? count(l) : l.map(count))) },
    };
  },
  'weights of a layer not shared': (kase) => {
    const { num_hidden_layers, num_hidden_groups } = kase.config;
    return num_hidden_layers > num_hidden_groups
      ? { ...kase, config: { ...kase.config, num_hidden_layers: num_hidden_layers - 1 } }
      : undefined;
  },
  'the derivative of another activation': (kase) =>
    kase.config.hidden_act === 'gelu' ? { ...kase, config: { ...kase.config, hidden_act: 'gelu_new' } } : undefined,
};

function changed(
  kase: TrainingCase,
  key: 'mask' | 'positions',
  change: (sequence: TrainingCase['examples'][number][number]) => number[] | false,
): TrainingCase | undefined {
  let any = false;
  const examples = kase.examples.map((sequences) =>
    sequences.map((sequence) => {
      const values = change(sequence);
      any ||= values !== false;
      return values === false ? sequence : { ...sequence, [key]: values };
    }),
  );
  return any ? { ...kase, examples } : undefined;
}

for (const [name, plant] of Object.entries(FAULTS)) {
  test(`the comparison notices ${name}`, () => {
    let [shown, noticed] = [0, 0];
    for (let seed = 1; shown < 8; seed++) {
      const kase = drawTraining(seed);
      const faulty = plant(kase);
      if (faulty === undefined) continue;
      const expected = expectation(kase);
      if (!expected.clear) continue;
      shown++;
      const weights = new Map(drawWeights(kase).map(({ name, shape, data }) => [name, { shape, data }]));
      try {
        hold(name, lossAndGradients(faulty, weights), expected);
      } catch (error) {
        assert.is((error as Error).name, 'Assertion', (error as Error).stack);
        noticed++;
      }
    }
    // Some batches cannot tell: of one column, of one key, of one class.
    assert.ok(noticed >= 4, `noticed in ${noticed} of ${shown} batches`);
  });
}

test(`${CASES} batches from seed ${SEED}`, async () => {
  const kinds = { heads: new Set<string>(), activations: new Set<string>(), builds: new Map<string, number>() };
  let [tensors, worst, unclear, threads] = [0, 0, 0, 0];
  for (let seed = SEED; seed < SEED + CASES; seed++) {
    const kase = drawTraining(seed);
    const build = buildOf(seed);
    try {
      const outcome = await checkCase(kase, build);
      tensors += outcome.tensors;
      worst = Math.max(worst, outcome.worst);
      if (!outcome.clear) unclear++;
    } catch (error) {
      const file = new URL(`gradients-${seed}.json`, KEPT);
      writeFileSync(file, `${JSON.stringify(kase)}\n`);
      throw new Error(
        `FUZZ_SEED=${seed} FUZZ_MODELS=1 repeats it, ${file.pathname} keeps it: ${(error as Error).stack}`,
      );
    }
    kinds.heads.add(kase.head);
    kinds.activations.add(kase.config.hidden_act);
    kinds.builds.set(build.name, (kinds.builds.get(build.name) ?? 0) + 1);
    if (kase.threads) threads++;
  }
  console.log(
    `\n${tensors} tensors, the worst at ${(100 * worst).toFixed(0)} % of its bound, ${unclear} batches unclear; ` +
      `${[...kinds.builds].map(([build, count]) => `${count} in ${build}`).join(', ')}, ${threads} large enough for threads`,
  );
  assert.ok(unclear <= CASES / 20, `${unclear} batches say nothing`);
  if (CASES >= 300) {
    assert.equal([kinds.heads.size, kinds.activations.size], [HEAD_NAMES.length, Object.keys(ACT2FN).length]);
    assert.is(kinds.builds.size, BUILDS.length);
  }
  stateCases(CASES, LEAST);
});

test('the batches that were kept', async () => {
  const files = readdirSync(KEPT).filter((file) => file.startsWith('gradients-'));
  for (const file of files) {
    const kase: TrainingCase = JSON.parse(readFileSync(new URL(file, KEPT), 'utf8'));
    for (const build of BUILDS) {
      await checkCase(kase, build).catch((error) => {
        throw new Error(`kept/${file}: ${error.stack}`);
      });
    }
  }
  stateCases(files.length, 0);
});

test.run();
