import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { json } from '@sveltejs/kit';
import { pipeline } from 'albert-wasm';

let loading;

export async function GET({ url }) {
  loading ??= pipeline('sentiment-analysis', sst2, { worker: true });
  const classify = await loading;
  return json({ labels: await classify(url.searchParams.get('text'), { top_k: 2 }), info: classify.model.info() });
}
