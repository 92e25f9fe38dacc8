/** On the server: one model for all requests, loaded with the first. `curl 'localhost:3000/classify?text=What+a+lovely+day'` */
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

let loading;

export async function GET(request) {
  const text = new URL(request.url).searchParams.get('text') ?? '';
  loading ??= pipeline('sentiment-analysis', sst2);
  try {
    const classify = await loading;
    return Response.json({ labels: await classify(text, { top_k: 2 }), info: classify.model.info() });
  } catch (error) {
    return Response.json({ code: error.code, message: error.message }, { status: 500 });
  }
}
