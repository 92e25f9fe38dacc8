/** The worker's side: the tokenizer and the model, off the page's thread. */
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

// `worker: false`: this is already a worker, so the model does not need another one.
const loading = pipeline('sentiment-analysis', sst2, { dtype: 'int8', worker: false });

let current = new AbortController();

// Set before the first `await`: a message without a listener is lost.
globalThis.onmessage = async ({ data: { id, text } }) => {
  current.abort();
  const { signal } = (current = new AbortController());
  try {
    const classify = await loading;
    const [{ label, score }] = await classify(text, { signal });
    postMessage({ id, label, score });
  } catch (error) {
    if (error.code !== 'ERR_ABORTED') postMessage({ id, error: error.message });
  }
};
