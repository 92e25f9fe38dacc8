/** The README's browser example, on as many threads as the address says, its answer written into the page. */
import model from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

const answer = document.querySelector('#answer');
try {
  const threads = Number(new URLSearchParams(location.search).get('threads'));
  const classify = await pipeline('sentiment-analysis', model, { threads });
  const labels = await classify('What a lovely day', { top_k: 2 });
  const info = classify.model.info();
  await classify.dispose();
  answer.textContent = JSON.stringify({ labels, info });
} catch (error) {
  answer.textContent = JSON.stringify({ error: String(error) });
}
