/** A hundred texts, with a model in a worker or not: what the page's own thread was kept busy with meanwhile. */
import model from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';

const answer = document.querySelector('#answer');
const parameters = new URLSearchParams(location.search);

/** The longest turn of the event loop, in milliseconds, while `work` runs. */
async function longestTurn(work) {
  const { port1, port2 } = new MessageChannel();
  let [last, longest, done] = [performance.now(), 0, false];
  port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!done) port2.postMessage(undefined);
  };
  port2.postMessage(undefined);
  const result = await work();
  done = true;
  port1.close();
  return { longest, result };
}

try {
  const asked = parameters.get('worker');
  const options = asked === null ? {} : { worker: asked === 'true' };
  const workerUrl = parameters.get('workerUrl');
  if (workerUrl !== null) options.workerUrl = workerUrl;
  const classify = await pipeline('sentiment-analysis', model, options);
  const texts = Array.from({ length: 100 }, (_, i) => `What a lovely day, number ${i}, for a walk in the park.`);
  await classify(texts[0]);
  const { longest, result } = await longestTurn(() => classify(texts));
  const info = classify.model.info();
  await classify.dispose();
  answer.textContent = JSON.stringify({ longest, info, scores: result.map(([{ score }]) => score) });
} catch (error) {
  answer.textContent = JSON.stringify({ error: `${error.code}: ${error.message}` });
}
