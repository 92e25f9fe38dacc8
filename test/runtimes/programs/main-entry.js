/** What a newcomer writes: bundlers that copy no files leave it without kernels, worker and model. */
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

const failure = (...args) => pipeline('sentiment-analysis', ...args).then(
  () => undefined,
  ({ code, message }) => ({ code, message }),
);

document.querySelector('#answer').textContent = JSON.stringify({
  model: await failure(sst2),
  kernels: await failure('/model/'),
  worker: await failure('/model/', { worker: true }),
});
