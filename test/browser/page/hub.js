/** A model by Hub id, twice: over the network, then from the Cache alone. The Hub is the one that the page's URL names. */
import { pipeline } from 'albert-wasm';

const endpoint = new URLSearchParams(location.search).get('endpoint');
const fetchFromIt = (url, init) => fetch(String(url).replace('https://huggingface.co', endpoint), init);

const answer = document.querySelector('#answer');
try {
  const first = await pipeline('text-classification', 'owner/name', { token: 'hf_secret', fetch: fetchFromIt });
  await first.dispose();
  const classify = await pipeline('text-classification', 'owner/name', { localFilesOnly: true });
  const labels = await classify('What a lovely day', { top_k: 2 });
  const info = classify.model.info();
  await classify.dispose();
  answer.textContent = JSON.stringify({ labels: [labels], info });
} catch (error) {
  answer.textContent = JSON.stringify({ error: String(error) });
}
