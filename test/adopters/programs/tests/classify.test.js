/** Tests of a program's own, as Jest and Vitest run them: in realms whose `Float32Array` is not Node's. */
import { readFileSync } from 'node:fs';
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { AlbertForSequenceClassification, pipeline, Tensor } from 'albert-wasm';

const LIMIT = 60_000;

for (const options of [{}, { worker: true }, { threads: 2 }]) {
  test(
    `classifies with ${JSON.stringify(options)}`,
    async () => {
      const classify = await pipeline('sentiment-analysis', sst2, options);
      const [best] = await classify('What a lovely day');
      expect(best).toMatchObject({ label: 'POSITIVE' });
      expect(best.score).toBeCloseTo(0.9985, 3);
      const { workers, threads, whyNotThreaded } = classify.model.info();
      expect([workers, threads, whyNotThreaded]).toEqual([options.worker ? 1 : 0, options.threads ?? 1, undefined]);
      await classify.dispose();
    },
    LIMIT,
  );
}

test(
  'takes files that Node has read, gives arrays of this realm',
  async () => {
    for (const read of [readFileSync, (url) => new Uint8Array(readFileSync(url)).buffer]) {
      const files = Object.fromEntries(Object.entries(sst2).map(([name, url]) => [name, read(url)]));
      const model = await AlbertForSequenceClassification.from_pretrained(files, { worker: true });
      const { logits } = await model.forward({ input_ids: Int32Array.of(2, 3, 4) });
      expect(logits).toBeInstanceOf(Tensor);
      expect(logits.data).toBeInstanceOf(Float32Array);
      expect(logits.data).toHaveLength(2);
      await model.dispose();
    }
  },
  LIMIT,
);

test('its errors can be matched', async () => {
  await expect(pipeline('sentiment-analysis', '/nowhere/')).rejects.toMatchObject({ name: 'AlbertError', code: 'ERR_SOURCE' });
});
