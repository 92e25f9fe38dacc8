/** The worker's side: tokenizer, model and all that is made of the answers, away from the page. */
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

// `worker: false`: this is a worker already, the model need not have one of its own.
const loading = pipeline('sentiment-analysis', sst2, { dtype: 'int8', worker: false });

let current = new AbortController();

// Set before anything is awaited: a message that nobody hears is lost.
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
