/** Prints what a sentence is taken for, computed in each way that Node offers. */
import model from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

// Not at the top level: CommonJS cannot wait there.
async function main() {
  for (const options of [{}, { threads: 2 }, { worker: true }]) {
    const classify = await pipeline('sentiment-analysis', model, options);
    const labels = await classify('What a lovely day', { top_k: 2 });
    const { threads, workers, kernels } = classify.model.info();
    await classify.dispose();
    console.log(JSON.stringify({ labels, threads, workers, kernels }));
  }
}

main();
