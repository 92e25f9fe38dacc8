/** Search by meaning in a page: sentences become vectors once, and each query is compared with all of them. */
import model from '@albert-wasm/albert-mini-en';
import { pipeline, rankEmbeddings } from 'albert-wasm';

const SENTENCES = [
  'It rained all day and the wind was cold.',
  'The king gave his daughter a golden ring.',
  'He bought bread and a bottle of milk.',
  'The ship left the harbour in the morning.',
  'Prices rose faster than wages last year.',
];

const [query, state, found] = ['query', 'state', 'found'].map((id) => document.getElementById(id));
const options = { pooling: 'mean', normalize: true };

try {
  // In a browser the model runs in a worker, so that typing stays smooth.
  const embed = await pipeline('feature-extraction', model, {
    dtype: 'int8',
    onProgress: ({ file, loaded }) => {
      state.textContent = `${file}: ${(loaded / 1e6).toFixed(1)} MB`;
    },
  });
  const corpus = await embed(SENTENCES, options);

  let current = new AbortController();
  const search = async () => {
    // Only the latest query matters.
    current.abort();
    const { signal } = (current = new AbortController());
    try {
      const ranked = rankEmbeddings(await embed(query.value, { ...options, signal }), corpus);
      if (signal.aborted) return;
      found.replaceChildren(
        ...ranked.map(({ index, score }) => {
          const item = document.createElement('li');
          item.textContent = `${SENTENCES[index]} (${score.toFixed(2)})`;
          return item;
        }),
      );
      state.textContent = `${ranked.length} sentences`;
    } catch (error) {
      if (error.code !== 'ERR_ABORTED') state.textContent = error.message;
    }
  };
  query.addEventListener('input', search);
  await search();
} catch (error) {
  state.textContent = error.message;
}
