/** Classifies where it runs: a page or the service worker of an extension. */
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

globalThis.classify = async (options) => {
  try {
    const classify = await pipeline('sentiment-analysis', sst2, options);
    const labels = await classify('What a lovely day', { top_k: 2 });
    const info = classify.model.info();
    await classify.dispose();
    return { labels, info };
  } catch ({ code, message }) {
    return { code, message };
  }
};
