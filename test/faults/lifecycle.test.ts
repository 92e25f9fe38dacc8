/** Calls, cancellations and disposals in random order: each call settles as the order says, and nothing stays behind. */
import { getEventListeners } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertError } from '../../src/ground/errors.js';
import { AlbertModel } from '../../src/model/models.js';
import { Random } from '../assembly/reference.js';
import { stateCases } from '../support/cases.js';
import { assertHealthy, golden, observed } from '../support/health.js';
import { TINY_INPUTS } from '../support/tiny.js';
import { size } from './sizes.js';
import { VARIANTS, type Variant } from './variants.js';

const test = suite('lifecycle');

const SEED = Number(process.env.FUZZ_SEED ?? 1);

interface Call {
  readonly outcome: Promise<Float32Array | AlbertError>;
  settled: boolean;
  /** Whether it was still to come when the model was disposed of. */
  pending: boolean;
  readonly controller: AbortController | undefined;
  /** Whether the model had been disposed of when it was made. */
  readonly late: boolean;
}

/** One random sequence of six to fifteen steps; what each call may have come to follows from the steps around it. */
async function sequence(
  { config, options }: Variant,
  seed: number,
  wanted: Float32Array,
): Promise<Record<string, number>> {
  const random = new Random(seed);
  const draw = (below: number) => Math.floor(random.next() * below);
  const model = await observed(() => AlbertModel.from_config(config, options));
  const calls: Call[] = [];
  const disposals: Promise<void>[] = [];
  const counts: Record<string, number> = { answers: 0, ERR_ABORTED: 0, ERR_DISPOSED: 0 };
  for (let steps = 6 + draw(10); steps > 0; steps--) {
    const step = draw(10);
    if (step < 4) {
      const controller = draw(2) === 0 ? new AbortController() : undefined;
      const outcome = model.forward(TINY_INPUTS, { signal: controller?.signal }).then(
        ({ last_hidden_state }) => last_hidden_state.data,
        (error) => error,
      );
      const call = { outcome, settled: false, pending: false, controller, late: disposals.length > 0 };
      outcome.then(() => (call.settled = true));
      calls.push(call);
    } else if (step < 6) {
      calls[draw(calls.length)]?.controller?.abort(new Error('enough'));
    } else if (step < 9) {
      for (let turns = draw(6); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    } else if (draw(2) === 0) {
      if (disposals.length === 0) for (const call of calls) call.pending = !call.settled;
      disposals.push(model.dispose());
    }
  }
  await Promise.all(disposals);
  let answersAfter = 0;
  for (const { outcome, controller, late, pending } of calls) {
    const settled = await outcome;
    if (settled instanceof Float32Array) {
      assert.equal(settled, wanted);
      assert.not.ok(late, 'an answer of a disposed model');
      counts.answers!++;
      if (pending) answersAfter++;
    } else {
      assert.instance(settled, AlbertError);
      counts[settled.code]!++;
      if (settled.code === 'ERR_ABORTED') assert.ok(controller?.signal.aborted, 'aborted without a signal');
      else assert.ok(settled.code === 'ERR_DISPOSED' && disposals.length > 0, settled.stack);
    }
    if (controller !== undefined) assert.equal(getEventListeners(controller.signal, 'abort'), [], 'a listener is left');
  }
  assert.ok(answersAfter <= 1, 'only the call that had begun runs to its end');
  if (disposals.length === 0) await assertHealthy(model);
  await model.dispose();
  await model.dispose();
  for (const use of [() => model.info(), () => model.params, () => model.forward(TINY_INPUTS)]) {
    const error = await (async () => use())().catch((thrown) => thrown);
    assert.is(error.code, 'ERR_DISPOSED');
  }
  return counts;
}

for (const variant of VARIANTS) {
  const SEQUENCES = Math.max(8, variant.share * size(200, 2000));
  test(`${variant.name}: ${SEQUENCES} sequences from seed ${SEED}`, async () => {
    await using reference = await AlbertModel.from_config(variant.config, variant.options);
    const wanted = await golden(reference);
    const total: Record<string, number> = {};
    for (let seed = SEED; seed < SEED + SEQUENCES; seed++) {
      const counts = await sequence(variant, seed, wanted).catch((error) => {
        throw new Error(`FUZZ_SEED=${seed}: ${error.stack}`);
      });
      for (const [outcome, count] of Object.entries(counts)) total[outcome] = (total[outcome] ?? 0) + count;
    }
    for (const outcome of ['answers', 'ERR_ABORTED', 'ERR_DISPOSED']) {
      assert.ok(total[outcome]! >= SEQUENCES / 5, JSON.stringify(total));
    }
    stateCases(SEQUENCES, Math.max(8, 200 * variant.share));
  });
}

test.run();
