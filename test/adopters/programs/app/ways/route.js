/** In each way that Node offers. */
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

export async function GET() {
  const infos = [];
  for (const options of [{}, { worker: true }, { threads: 2 }]) {
    const classify = await pipeline('sentiment-analysis', sst2, options);
    await classify('What a lovely day');
    infos.push(classify.model.info());
    await classify.dispose();
  }
  const byName = await pipeline('sentiment-analysis');
  await byName.dispose();
  return Response.json(infos);
}
