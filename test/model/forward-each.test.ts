/** Several inputs in one run: each answers bit for bit as alone, and one that is at fault stops all before any kernel. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/ground/tensor.js';
import type { AlbertInputs } from '../../src/model/inputs.js';
import { AlbertForMaskedLM, AlbertForPreTraining, AlbertModel } from '../../src/model/models.js';
import { BUILDS } from '../support/builds.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';
import { HEADS } from '../support/fixtures.js';
import { TINY, TINY_INPUTS } from '../support/tiny.js';

const each = suite('forwardEach');

/** Matrices of more than one stretch of the GEMM's sums, and a single row's wide tile. */
const CONFIG = { ...TINY, intermediate_size: 400, num_hidden_layers: 2 };
const MOST = CONFIG.max_position_embeddings;
const BATCHES = 500;

type Random = (below: number) => number;

/** The same draws on every machine. */
function random(seed: number): Random {
  let state = seed * 2 + 1;
  return (below) => {
    state = (Math.imul(state, 0x915f77f5) + 1) | 0;
    return ((state ^ (state >>> 15)) >>> 0) % below;
  };
}

/** Sequences of one length, with or without a mask, types and positions. */
function rectangle(draw: Random, choices: boolean): AlbertInputs {
  const seq = [1, MOST, 1 + draw(MOST)][draw(3)] as number;
  const shape = choices ? [1 + draw(2), 1 + draw(3), seq] : [1 + draw(3), seq];
  const integers = (below: number) => {
    const data = Int32Array.from({ length: shape.reduce((product, dim) => product * dim, 1) }, () => draw(below));
    return new Tensor(data, shape);
  };
  return {
    input_ids: integers(CONFIG.vocab_size),
    ...(draw(2) === 0 && { attention_mask: integers(2) }),
    ...(draw(2) === 0 && { token_type_ids: integers(CONFIG.type_vocab_size) }),
    ...(draw(2) === 0 && { position_ids: integers(MOST) }),
  };
}

function same(got: unknown, wanted: unknown, what: string): void {
  if (wanted instanceof Tensor && got instanceof Tensor) {
    assert.equal([...got.shape], [...wanted.shape], what);
    const bits = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
    assert.is(bits(got.data as Float32Array).compare(bits(wanted.data as Float32Array)), 0, what);
    // The caller's own: nothing else lies in its buffer.
    assert.is(got.data.byteLength, got.data.buffer.byteLength, what);
    return;
  }
  const [a, b] = [got as object, wanted as object];
  assert.equal(Object.keys(a), Object.keys(b), what);
  for (const [key, value] of Object.entries(b)) same((a as Record<string, unknown>)[key], value, `${what}.${key}`);
}

let compared = 0;
let trials = 0;
const kinds = BUILDS.flatMap(({ name, wasmUrl }) =>
  (['float32', 'int8'] as const).flatMap((dtype) =>
    Object.entries(HEADS).map(([head, Model]) => ({ name, wasmUrl, dtype, head, Model })),
  ),
);

for (const [kind, { name, wasmUrl, dtype, head, Model }] of kinds.entries()) {
  each(`${head}, ${dtype}, ${name}: random batches`, async () => {
    const draw = random(kind);
    await using model = await Model.from_config(CONFIG, { seed: 7, wasmUrl, dtype });
    for (let trial = 0; trial < Math.ceil(BATCHES / kinds.length); trial++) {
      const inputs = Array.from({ length: 1 + draw(8) }, () => rectangle(draw, head === 'multiple_choice'));
      const options = { output_attentions: draw(3) === 0, output_hidden_states: draw(3) === 0 };
      const outputs = await model.forwardEach(inputs, options);
      assert.is(outputs.length, inputs.length);
      for (const [i, one] of inputs.entries()) {
        same(outputs[i], await model.forward(one, options), `batch ${trial}, input ${i}`);
        compared++;
      }
      trials++;
    }
  });
}

each('enough batches were compared', () => {
  stateCases(trials, BATCHES);
  assert.ok(compared > 3 * trials, `${compared} inputs`);
});

each('sequences past a block of logits and of rows, with other params', async () => {
  await using model = await AlbertForPreTraining.from_config(CONFIG, { seed: 1 });
  await using other = await AlbertForPreTraining.from_config(CONFIG, { seed: 2 });
  const draw = random(1);
  const inputs = Array.from({ length: 40 }, () => rectangle(draw, false));
  const outputs = await model.forwardEach(inputs, { params: other.params });
  for (const [i, one] of inputs.entries()) same(outputs[i], await other.forward(one), `input ${i}`);
});

each('no inputs give no outputs; return_dict false gives arrays', async () => {
  await using model = await AlbertModel.from_config(TINY);
  assert.equal(await model.forwardEach([]), []);
  const [array] = await model.forwardEach([TINY_INPUTS], { return_dict: false });
  assert.equal(array, await model.forward(TINY_INPUTS, { return_dict: false }));
});

each('an input at fault is named, stops all before any kernel, and the model answers on', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const golden = await model.forward(TINY_INPUTS);
  const { memoryBytes } = model.info();
  const good = { input_ids: [2, 5, 3] };
  const long = { input_ids: Array.from({ length: MOST + 1 }, () => 5) };
  const many = Array.from({ length: 200 }, () => ({ input_ids: long.input_ids.slice(1) }));
  const id = '"input_ids" expected ids from 0 to 96, got 97 at [1]';
  await expectError(() => model.forwardEach([...many, { input_ids: [2, 97] }]), 'ERR_INPUT', `inputs[200]: ${id}`);
  await expectError(() => model.forwardEach([...many, long]), 'ERR_TOO_LONG', 'inputs[200]: "input_ids"', '25');
  await expectError(() => model.forwardEach([good, null as never]), 'ERR_INPUT', 'inputs[1]: "inputs"');
  // biome-ignore lint/suspicious/noSparseArray: a hole is an invalid input.
  await expectError(() => model.forwardEach([good, , good] as never), 'ERR_INPUT', 'inputs[1]');
  await expectError(() => model.forwardEach(good as never), 'ERR_INPUT', '"inputs" expected an array');
  await expectError(() => model.forwardEach([good], { train: true, dropout_rng: 1 }), 'ERR_INPUT', '"train"');
  await expectError(() => model.forwardEach([good], { signal: AbortSignal.abort() }), 'ERR_ABORTED');
  assert.is(model.info().memoryBytes, memoryBytes, 'none of them took memory');
  assert.equal(await model.forwardEach([TINY_INPUTS, TINY_INPUTS]), [golden, golden]);
});

each('inputs are copied when the call is made', async () => {
  await using model = await AlbertModel.from_config(TINY);
  const data = Int32Array.from([2, 5, 3]);
  const wanted = await model.forward({ input_ids: data });
  const pending = model.forwardEach([{ input_ids: data }, { input_ids: data }]);
  data.fill(4);
  assert.equal(await pending, [wanted, wanted]);
});

each('memory grows with the tokens, once, and is free again', async () => {
  await using model = await AlbertModel.from_config({ ...TINY, hidden_size: 72, intermediate_size: 288 });
  const run = (sequences: number) =>
    model.forwardEach(Array.from({ length: sequences }, (_, i) => ({ input_ids: new Int32Array(1 + (i % MOST)) })));
  await run(50);
  const { memoryBytes: one } = model.info();
  await run(250);
  const { memoryBytes: four } = model.info();
  await run(450);
  const { memoryBytes: seven } = model.info();
  assert.ok(Math.abs(seven - four - (four - one)) <= 2 * 65_536, `${one}, ${four}, ${seven}`);
  // 13 + 72 + 216 + 72 + 72 + 288 floats, padded, and three integers; masks and pooled rows are a sequence's.
  assert.ok((four - one) / (200 * 12.5) < 4 * (16 + 72 + 216 + 72 + 72 + 288 + 3) + 80, `${(four - one) / 2500}`);
  for (let i = 0; i < 5; i++) await run(450);
  assert.is(model.info().memoryBytes, seven);
});

each('too many tokens are an error before any kernel, and the model works on', async () => {
  await using model = await AlbertModel.from_config(TINY, { maxMemoryBytes: 4 * 65_536 });
  const golden = await model.forward(TINY_INPUTS);
  const inputs = Array.from({ length: 1000 }, () => TINY_INPUTS);
  await expectError(() => model.forwardEach(inputs), 'ERR_MEMORY', String(4 * 65_536));
  assert.equal(await model.forward(TINY_INPUTS), golden);
});

each('forwardAt: the logits of some positions are those of all, bit for bit', async () => {
  for (const { wasmUrl } of BUILDS) {
    for (const dtype of ['float32', 'int8'] as const) {
      await using model = await AlbertForMaskedLM.from_config(CONFIG, { seed: 7, wasmUrl, dtype });
      const draw = random(5);
      const inputs = Array.from({ length: 30 }, () => ({
        input_ids: Array.from({ length: 1 + draw(MOST) }, () => draw(CONFIG.vocab_size)),
      }));
      const positions = inputs.map(({ input_ids }) => {
        const some = input_ids.flatMap((_, i) => (draw(3) === 0 ? [i] : []));
        return some.length > 0 ? some : [input_ids.length - 1];
      });
      const all = await model.forwardEach(inputs);
      const outputs = await model.forwardAt(inputs, positions);
      outputs.forEach(({ logits }, i) => {
        const row = (position: number) => all[i]?.logits.data.subarray(position * 97, (position + 1) * 97) ?? [];
        const wanted = Float32Array.from((positions[i] as number[]).flatMap((position) => [...row(position)]));
        same(logits, new Tensor(wanted, [positions[i]?.length ?? 0, 97]), `input ${i}`);
      });
    }
  }
});

each('forwardAt: invalid positions are refused', async () => {
  await using model = await AlbertForMaskedLM.from_config(TINY);
  const input = { input_ids: [2, 5, 3] };
  const refused = (positions: unknown, ...words: string[]) =>
    expectError(() => model.forwardAt([input, input], positions as never), 'ERR_INPUT', '"positions"', ...words);
  await refused(undefined, 'an array of 2 arrays');
  await refused([[0]], 'an array of 2 arrays');
  await refused([[0], []], 'inputs[1]', 'at least one');
  await refused([[0], 1], 'inputs[1]', 'at least one');
  for (const of of [[3], [-1], [0.5], ['0'], [1, 1], [1, 0]]) await refused([[0], of], 'inputs[1]', 'below 3');
  await expectError(() => model.forwardAt([TINY_INPUTS], [[0]]), 'ERR_INPUT', 'one sequence');
  await expectError(() => model.forwardAt([input], [[0]], { train: true }), 'ERR_INPUT', '"train"');
});

each.run();
