/** The offscreen document: an invisible page whose worker holds the model. */
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

const loading = pipeline('sentiment-analysis', sst2);
loading.catch(() => {}); // Every question receives the error.

chrome.runtime.onMessage.addListener(({ classify: text }, _sender, answer) => {
  if (text === undefined) return false;
  loading
    .then((classify) => classify(text))
    .then(([best]) => answer(best))
    .catch((error) => answer({ error: error.message }));
  return true;
});
