/** The README's browser example, its answer written into the page. */
import { pipeline } from 'albert-wasm';

const answer = document.querySelector('#answer');
try {
  const classify = await pipeline('sentiment-analysis', '/models/albert-mini-en-sst2/');
  const labels = await classify('What a lovely day', { top_k: 2 });
  answer.textContent = JSON.stringify({ labels, info: classify.model.info() });
} catch (error) {
  answer.textContent = JSON.stringify({ error: String(error) });
}
