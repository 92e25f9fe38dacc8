/** Classification with onnxruntime-web, by hand: our tokenizer, batches padded to their longest text, softmax. */
import type { LabelScore } from '../../src/entry/index.js';
import type { Dtype } from '../../src/ground/dtypes.js';
import { softmax } from '../../src/pipelines/scores.js';
import { batchesOf, type Classifier, type SentimentModel } from './classifier.js';
import { loadWeb, WASM } from './onnxruntime.js';

/** Two contestants with one session: batches of texts in their order, and sorted by length, which pads less. */
export async function openPadded(model: SentimentModel, dtype: Dtype, threads: number): Promise<Classifier[]> {
  const { onnx, tokenizer, id2label } = model;
  const ort = await loadWeb(threads);
  const session = await ort.InferenceSession.create(onnx[dtype], WASM);
  const padding = tokenizer.pad_token_id;

  async function runBatch(batch: readonly (readonly number[])[]): Promise<LabelScore[]> {
    const longest = Math.max(...batch.map(({ length }) => length));
    const tensor = (fill: (id: number | undefined) => number) => {
      const ids = batch.flatMap((text) => Array.from({ length: longest }, (_, i) => BigInt(fill(text[i]))));
      return new ort.Tensor('int64', BigInt64Array.from(ids), [batch.length, longest]);
    };
    const { logits } = await session.run({
      input_ids: tensor((id = padding) => id),
      attention_mask: tensor((id) => Number(id !== undefined)),
      token_type_ids: tensor(() => 0),
    });
    if (logits === undefined) throw new Error('onnxruntime-web returned no logits');
    const labels = logits.data.length / batch.length;
    return batch.map((_, row) => {
      const scores = softmax(logits.data.slice(row * labels, (row + 1) * labels));
      const best = scores.indexOf(Math.max(...scores));
      return { label: id2label[best] as string, score: scores[best] as number };
    });
  }

  const contestant = (name: string, order: (texts: readonly number[][]) => number[]): Classifier => ({
    name,
    async classify(texts) {
      const encoded = texts.map((text) => tokenizer.encode(text).input_ids);
      const answers: LabelScore[] = [];
      for (const batch of batchesOf(order(encoded))) {
        const some = await runBatch(batch.map((i) => encoded[i] as number[]));
        for (const [at, i] of batch.entries()) answers[i] = some[at] as LabelScore;
      }
      return answers;
    },
    release: async () => {},
  });
  const indices = (texts: readonly number[][]) => [...texts.keys()];
  const byLength = (texts: readonly number[][]) =>
    indices(texts).sort((a, b) => (texts[a] as number[]).length - (texts[b] as number[]).length);
  return [
    contestant('onnxruntime-web, sorted', byLength),
    { ...contestant('onnxruntime-web, unsorted', indices), release: () => session.release() },
  ];
}
