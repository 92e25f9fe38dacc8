/** A fresh process that loads a model and runs it once: `KIND MODEL DTYPE IDS`, or `empty`; one line of JSON out. */
import { readFileSync } from 'node:fs';
import { peakOfThisProcess } from '../peak-memory.mjs';

/** No literal in the import: the packages need not be there to check this file. */
const WEB = 'onnxruntime-web/wasm';

const [kind, model, dtype, ids] = process.argv.slice(2);
const start = performance.now();

async function albert() {
  const { AlbertModel } = await import('../../dist/entry/index.js');
  const loaded = await AlbertModel.from_pretrained(model, { dtype });
  const { last_hidden_state } = await loaded.forward({ input_ids: [JSON.parse(ids)] });
  return { values: last_hidden_state.data, weightBytes: loaded.info().weightBytes };
}

async function onnx() {
  const ort = await import(WEB);
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ['wasm'] });
  const numbers = BigInt64Array.from(JSON.parse(ids), BigInt);
  const tensor = (data) => new ort.Tensor('int64', data, [1, data.length]);
  const { last_hidden_state } = await session.run({
    input_ids: tensor(numbers),
    attention_mask: tensor(numbers.map(() => 1n)),
    token_type_ids: tensor(numbers.map(() => 0n)),
  });
  return { values: last_hidden_state.data };
}

const runs = { albert, onnx, empty: async () => ({ values: [] }) };
const { values, ...facts } = await runs[kind]();
const ms = performance.now() - start;
// Before the answer becomes text, which takes memory too.
const peakBytes = peakOfThisProcess();
process.stdout.write(`${JSON.stringify({ ms, peakBytes, ...facts, values: Array.from(values) })}\n`);
