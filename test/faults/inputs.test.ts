/** Random bad input: every one is refused with its place, and never reaches a kernel. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertError } from '../../src/ground/errors.js';
import { AlbertModel } from '../../src/model/models.js';
import { Random } from '../assembly/reference.js';
import { stateCases } from '../support/cases.js';
import { assertHealthy, observed } from '../support/health.js';
import { TINY } from '../support/tiny.js';
import { size } from './sizes.js';
import { VARIANTS } from './variants.js';

const test = suite('bad inputs');

const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** The first value that each input does not take. */
const LIMITS = {
  input_ids: TINY.vocab_size,
  attention_mask: 2,
  token_type_ids: TINY.type_vocab_size,
  position_ids: TINY.max_position_embeddings,
};
type Title = keyof typeof LIMITS;
const TITLES = Object.keys(LIMITS) as Title[];

type Rows = unknown[][];
type Draw = (below: number) => number;

/** Faults of one value. */
const VALUES: readonly ((limit: number) => unknown)[] = [
  () => -1,
  (limit) => limit,
  (limit) => limit + 1,
  () => 2 ** 31,
  () => -(2 ** 31) - 1,
  () => 2 ** 53,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 0.5,
  () => '1',
  () => null,
  () => undefined,
  () => true,
  () => ({}),
  () => [0],
  (limit) => BigInt(limit),
  () => -1n,
  () => 2n ** 64n,
];

/** Faults of a shape. */
const SHAPES: readonly ((rows: Rows, draw: Draw) => unknown)[] = [
  (rows, draw) => rows.with(draw(rows.length), []),
  (rows) => [...rows, [0, ...(rows[0] as unknown[])]],
  (rows) => [...rows, 0],
  () => [],
  () => 'ids',
  () => 7,
  () => new Float32Array(4),
  (rows) => ({ data: new Int32Array(rows.length), shape: [rows.length, 2] }),
  (rows) => ({ data: Int32Array.from(rows.flat() as number[]), shape: [-1, rows.flat().length * -1] }),
  (rows) => [[rows]],
];

/** A good batch of random shape, made bad in one place. */
function bad(draw: Draw): { inputs: Record<string, unknown>; title: Title } {
  const [batch, seq] = [1 + draw(3), 1 + draw(TINY.max_position_embeddings)];
  const inputs: Record<string, unknown> = {};
  for (const title of TITLES) {
    if (title !== 'input_ids' && draw(2) === 0) continue;
    inputs[title] = Array.from({ length: batch }, () => Array.from({ length: seq }, () => draw(LIMITS[title])));
  }
  const present = TITLES.filter((title) => title in inputs);
  const title = present[draw(present.length)] as Title;
  const rows = inputs[title] as Rows;
  const kind = draw(10);
  // A batch that has one row too many or ids past the last position, else one wrong value, else a wrong shape.
  if (kind === 0) {
    inputs.input_ids = rows.map(() => Array.from({ length: TINY.max_position_embeddings + 1 + draw(9) }, () => 0));
    return { inputs, title: 'input_ids' };
  }
  if (kind < 7) {
    const row = rows[draw(rows.length)] as unknown[];
    row[draw(row.length)] = VALUES[draw(VALUES.length)]!(LIMITS[title]);
  } else {
    inputs[title] = SHAPES[draw(SHAPES.length)]!(rows, draw);
  }
  return { inputs, title };
}

for (const { name, config, options, share } of VARIANTS) {
  const CASES = share * size(10_000, 200_000);
  test(`${name}: ${CASES} bad inputs from seed ${SEED}`, async () => {
    await using model = await observed(() => AlbertModel.from_config(config, options));
    const random = new Random(SEED);
    const draw = (below: number) => Math.floor(random.next() * below);
    const codes = new Map<string, number>();
    for (let i = 0; i < CASES; i++) {
      const { inputs, title } = bad(draw);
      const before = structuredClone(inputs);
      const error = await model.forward(inputs as never).then(
        () => new Error('it was taken'),
        (thrown) => thrown,
      );
      const told = `case ${i} of FUZZ_SEED=${SEED}, ${JSON.stringify(inputs, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))}`;
      assert.ok(error instanceof AlbertError, `${told}: ${error.stack}`);
      assert.ok(error.code === 'ERR_INPUT' || error.code === 'ERR_TOO_LONG', `${told}: ${error.code}`);
      // A bad shape of the ids is told of the inputs that no longer match them.
      if (title !== 'input_ids')
        assert.ok(/"(attention_mask|token_type_ids|position_ids|shape|data)"/.test(error.message), told);
      assert.equal(inputs, before, told);
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      if (i % 500 === 499) await assertHealthy(model);
    }
    assert.ok(codes.get('ERR_TOO_LONG')! >= CASES / 50, JSON.stringify([...codes]));
    await assertHealthy(model);
    stateCases(CASES, 10_000 * share);
  });
}

test.run();
