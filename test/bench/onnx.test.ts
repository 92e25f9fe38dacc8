/** An ONNX file for the peers has in int8 what our int8 model has in int8, and nothing else. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { PbfReader } from 'pbf';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { albertFiles } from '../../bench/albert-base.js';
import { encodeAlbertOnnx } from '../../bench/onnx/albert.js';
import { sequenceClassification } from '../../bench/onnx/heads.js';
import { quantizedMatrices } from '../../bench/onnx/quantized.js';
import { AlbertForSequenceClassification } from '../../src/entry/index.js';
import { TINY } from '../support/tiny.js';

const test = suite('ONNX files of the benches');

/** The second inputs of a graph's products, by operation. */
function weightsOf(bytes: Uint8Array): { readonly MatMul: string[]; readonly MatMulInteger: string[] } {
  const weights = { MatMul: [] as string[], MatMulInteger: [] as string[] };
  const fields = (pbf: PbfReader, read: (field: number, from: PbfReader) => void) =>
    pbf.readMessage((field, _, from) => read(field, from), undefined);
  // ModelProto.graph, GraphProto.node, NodeProto.input and op_type.
  new PbfReader(bytes).readFields((field, _, model) => {
    if (field !== 7) return;
    fields(model, (inGraph, graph) => {
      if (inGraph !== 1) return;
      const inputs: string[] = [];
      let operation = '';
      fields(graph, (inNode, node) => {
        if (inNode === 1) inputs.push(node.readString());
        if (inNode === 4) operation = node.readString();
      });
      if (operation === 'MatMul' || operation === 'MatMulInteger') weights[operation].push(inputs[1] as string);
    });
  }, undefined);
  return weights;
}

/** The tensors of a saved int8 model that are stored as I8: what its documentation calls quantised. */
async function storedInInt8(model: AlbertForSequenceClassification): Promise<Set<string>> {
  const directory = mkdtempSync(`${tmpdir()}/albert-wasm-onnx-`);
  try {
    await model.save_pretrained(directory, { dtype: 'int8' });
    const file = readFileSync(`${directory}/model.safetensors`);
    const header: Record<string, { dtype: string }> = JSON.parse(
      file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString(),
    );
    return new Set(Object.keys(header).filter((name) => header[name]?.dtype === 'I8'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('the products of our int8 file are int8, in every layer, and no others', async () => {
  await using float32 = await AlbertForSequenceClassification.from_config(TINY, { seed: 1 });
  const albert = { config: float32.config, tensors: float32.params };
  await using int8 = await AlbertForSequenceClassification.from_pretrained(albertFiles(albert), { dtype: 'int8' });
  const { params } = int8;
  const withBits = (activationBits: 7 | 8) =>
    quantizedMatrices(albert, { params, info: () => ({ ...int8.info(), activationBits }) });
  const stored = await storedInInt8(int8);
  assert.equal(withBits(7), stored);
  // With 8 bits, one more in each layer is multiplied in int8, and stored in float32 (docs/decisions/0022).
  const fine = [...albert.tensors.keys()].filter((name) => name.endsWith('.attention.dense.weight'));
  const quantized = withBits(8);
  assert.equal([...quantized].sort(), [...stored, ...fine].sort());

  const { MatMul, MatMulInteger } = weightsOf(encodeAlbertOnnx(albert, { head: sequenceClassification, quantized }));
  // Of the others, queries by keys and probabilities by values have no weights.
  const named = (suffix: string, names: readonly string[]) =>
    names.filter((name) => name.endsWith(suffix)).map((name) => name.replace(suffix, '.weight'));
  const [floats, integers] = [named('.kernel', MatMul), named('.quantized', MatMulInteger)];
  assert.is(integers.length, MatMulInteger.length);
  const dense = [...albert.tensors.keys()].filter(
    (name) => albert.tensors.has(name.replace(/weight$/, 'bias')) && name.endsWith('.weight') && !/norm/i.test(name),
  );
  assert.equal([...new Set([...floats, ...integers])].sort(), dense.sort());
  assert.equal(new Set(integers), new Set(dense.filter((name) => quantized.has(name))));
  assert.not(quantized.has('classifier.weight'));
  // Two inner layers each in three layers.
  for (const part of ['attention.query', 'attention.dense', 'ffn', 'ffn_output']) {
    assert.is(integers.filter((name) => name.endsWith(`.${part}.weight`)).length, 6, part);
  }

  assert.equal(weightsOf(encodeAlbertOnnx(albert)).MatMulInteger, []);
  assert.throws(() => quantizedMatrices(albert, float32), /expected an int8 model, got float32/);
});

test.run();
