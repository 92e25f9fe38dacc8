/** The same as a service of Cloudflare's: the model's files from a server, since a program there has no disk. */
import { pipeline } from 'albert-wasm';

let loading;

export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    loading ??= pipeline('sentiment-analysis', searchParams.get('model'), { dtype: searchParams.get('dtype') ?? undefined });
    const classify = await loading;
    const labels = await classify(searchParams.get('text'), { top_k: 2 });
    const { threads, workers, kernels } = classify.model.info();
    return Response.json({ labels, threads, workers, kernels });
  },
};
