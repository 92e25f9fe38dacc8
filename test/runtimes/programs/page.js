/** The same in a page; where its bundler copies no files, the page names the model's URL. */
import { pipeline } from 'albert-wasm';

const answer = document.querySelector('#answer');
try {
  const classify = await pipeline('sentiment-analysis', globalThis.MODEL ?? '/model/');
  const labels = await classify('What a lovely day', { top_k: 2 });
  const { threads, workers, kernels, whyNoWorker } = classify.model.info();
  await classify.dispose();
  answer.textContent = JSON.stringify({ labels, threads, workers, kernels, whyNoWorker });
} catch (error) {
  answer.textContent = JSON.stringify({ error: String(error) });
}
