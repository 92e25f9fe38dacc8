/**
 * Random models against the float64 reference of `test/reference`. `FUZZ_SEED` and `FUZZ_MODELS` choose another or a
 * longer run, `FUZZ_SEED=<seed> FUZZ_MODELS=1` replays one; a model that fails is written to `kept/` and replayed from there.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Threads } from '../../src/engine/threads.js';
import { ACT2FN } from '../reference/operations.js';
import { stateCases } from '../support/cases.js';
import { checkCase } from './compare.js';
import { type Case, drawCase, HEAD_NAMES } from './draw.js';

const test = suite('random models');

const SEED = Number(process.env.FUZZ_SEED ?? 20260101);
const CASES = Number(process.env.FUZZ_MODELS ?? 300);
const LEAST = process.env.FUZZ_MODELS === undefined ? 300 : 1;
const KEPT = new URL('kept/', import.meta.url);

/** What a faulty model would do, done to the case that the model is given. `undefined`: this case cannot show it. */
const FAULTS: Readonly<Record<string, (kase: Case) => Case | undefined>> = {
  'another eps': (kase) => configured(kase, { layer_norm_eps: kase.config.layer_norm_eps * 10 + 1e-4 }),
  'tanh for erf': (kase) =>
    kase.config.hidden_act === 'gelu' ? configured(kase, { hidden_act: 'gelu_new' }) : undefined,
  'erf for tanh': (kase) =>
    kase.config.hidden_act === 'gelu_new' ? configured(kase, { hidden_act: 'gelu' }) : undefined,
  'swapped token types': (kase) =>
    kase.config.type_vocab_size < 2 || kase.omitted.includes('types')
      ? undefined
      : given(kase, ({ types }) => ({ types: types.map((type) => (type === 0 ? 1 : 0)) })),
  'the mask ignored': (kase) =>
    kase.batch.some(({ mask }) => mask.includes(0) && mask.includes(1))
      ? given(kase, ({ mask }) => ({ mask: mask.map(() => 1) }))
      : undefined,
  'positions one further': (kase) =>
    kase.config.max_position_embeddings < 2 || kase.omitted.includes('positions')
      ? undefined
      : given(kase, ({ positions }) => ({
          positions: positions.map((p) => (p + 1) % kase.config.max_position_embeddings),
        })),
  'one layer less': (kase) =>
    kase.config.num_hidden_layers > kase.config.num_hidden_groups
      ? configured(kase, { num_hidden_layers: kase.config.num_hidden_layers - 1 })
      : undefined,
  'heads of another width': (kase) =>
    kase.config.num_attention_heads > 1 && kase.batch[0]!.ids.length > 1
      ? configured(kase, { num_attention_heads: 1 })
      : undefined,
  'other weights': (kase) => ({ ...kase, weights: { ...kase.weights, gain: kase.weights.gain * 1.0005 } }),
};

function configured(kase: Case, changes: Partial<Case['config']>): Case {
  return { ...kase, config: { ...kase.config, ...changes } as Case['config'] };
}

function given(kase: Case, change: (sequence: Case['batch'][number]) => Partial<Case['batch'][number]>): Case {
  return { ...kase, batch: kase.batch.map((sequence) => ({ ...sequence, ...change(sequence) })) };
}

for (const [name, plant] of Object.entries(FAULTS)) {
  test(`the comparison notices ${name}`, async () => {
    let [shown, noticed] = [0, 0];
    for (let seed = 1; shown < 8; seed++) {
      const kase = drawCase(seed);
      const faulty = plant(kase);
      if (faulty === undefined) continue;
      shown++;
      await checkCase(kase, faulty).catch((error) => {
        assert.is(error.name, 'Assertion', error.stack);
        noticed++;
      });
    }
    // Some models cannot tell: of one column, of one key, or of sums that dwarf eps.
    assert.ok(noticed >= 4, `noticed in ${noticed} of ${shown} models`);
  });
}

/** Operations that two threads have done together. */
let divided = 0;
const { run } = Threads.prototype;
Threads.prototype.run = function (operation) {
  divided++;
  run.call(this, operation);
};

test(`${CASES} models from seed ${SEED}`, async () => {
  const [heads, activations] = [new Set<string>(), new Set<string>()];
  const elsewhere = { threads: 0, worker: 0 };
  let [fields, worst, unclear] = [0, 0, 0];
  for (let seed = SEED; seed < SEED + CASES; seed++) {
    const kase = drawCase(seed);
    try {
      const outcome = await checkCase(kase);
      fields += outcome.fields;
      worst = Math.max(worst, outcome.worst);
      if (!outcome.wellConditioned) unclear++;
    } catch (error) {
      const file = new URL(`model-${seed}.json`, KEPT);
      writeFileSync(file, `${JSON.stringify(kase)}\n`);
      throw new Error(
        `FUZZ_SEED=${seed} FUZZ_MODELS=1 repeats it, ${file.pathname} keeps it: ${(error as Error).stack}`,
      );
    }
    heads.add(kase.head);
    if (kase.elsewhere !== undefined) elsewhere[kase.elsewhere]++;
    activations.add(kase.config.hidden_act);
  }
  console.log(
    `\n${fields} fields, the worst at ${(100 * worst).toFixed(0)} % of its bound, ${unclear} models ill-conditioned; ` +
      `${elsewhere.threads} models on two threads, ${divided} operations divided, and ${elsewhere.worker} in a worker`,
  );
  assert.ok(unclear <= CASES / 20, `${unclear} models say nothing`);
  if (CASES >= 300) assert.equal([heads.size, activations.size], [HEAD_NAMES.length, Object.keys(ACT2FN).length]);
  if (CASES >= 300) assert.ok(elsewhere.worker >= 3 && divided >= 4 * elsewhere.threads, `${divided} divided`);
  stateCases(CASES, LEAST);
});

test('the models that were kept', async () => {
  const files = readdirSync(KEPT).filter((file) => file.startsWith('model-'));
  for (const file of files) {
    await checkCase(JSON.parse(readFileSync(new URL(file, KEPT), 'utf8'))).catch((error) => {
      throw new Error(`kept/${file}: ${error.stack}`);
    });
  }
  stateCases(files.length, 3);
});

test.run();
