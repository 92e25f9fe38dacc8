/** What a page does with a pipeline, by the address's `step`; its options are the address's. The answer is JSON in the page. */
import model from '@albert-wasm/albert-mini-en-sst2';

const TEXTS = ['What a lovely day', 'The plot makes no sense and the jokes fall flat.'];
const MANY = Array.from({ length: 100 }, (_, i) => `What a lovely day, number ${i}, for a walk in the park.`);

const parameters = new URLSearchParams(location.search);

function loadOptions() {
  const options = {};
  const [threads, dtype, worker] = ['threads', 'dtype', 'worker'].map((name) => parameters.get(name));
  if (threads !== null) options.threads = threads === 'auto' ? threads : Number(threads);
  if (dtype !== null) options.dtype = dtype;
  if (worker !== null) options.worker = worker === 'true';
  return options;
}

const failure = ({ code, message }) => `${code}: ${message}`;

const STEPS = {
  /** Labels, what runs, and what a pipeline says that has been disposed of. */
  async classify(load) {
    const classify = await load();
    const labels = await classify(TEXTS, { top_k: 2 });
    const info = classify.model.info();
    const { asyncDispose } = Symbol;
    const disposable = asyncDispose !== undefined && [classify, classify.model].every((one) => one[asyncDispose]);
    await classify.dispose();
    const afterwards = await classify(TEXTS[0]).catch(failure);
    return { labels, info, afterwards, disposable };
  },

  /** A load that is aborted while a file arrives, a call that is aborted after its first run, and a call after that. */
  async abort(load) {
    const early = new AbortController();
    const loading = await load({ signal: early.signal, onProgress: () => early.abort() }).catch(failure);
    const classify = await load();
    const late = new AbortController();
    const calling = await classify(MANY, { signal: late.signal, onProgress: () => late.abort() }).catch(failure);
    const labels = [await classify(TEXTS[0], { top_k: 2 })];
    await classify.dispose();
    return { loading, calling, labels };
  },

  /** How often the page has its turn while a hundred texts are answered. */
  async turns(load) {
    const classify = await load();
    const { port1, port2 } = new MessageChannel();
    let [turns, done] = [0, false];
    port1.onmessage = () => {
      turns++;
      if (!done) port2.postMessage(undefined);
    };
    port2.postMessage(undefined);
    const labels = await classify(MANY);
    done = true;
    port1.close();
    await classify.dispose();
    return { turns, answers: labels.length };
  },

  /** Models that come and go. */
  async lifecycle(load) {
    const labels = [];
    for (let round = 0; round < 5; round++) {
      const classify = await load();
      labels.push(await classify(TEXTS[0], { top_k: 2 }));
      await classify.dispose();
    }
    return { labels };
  },
};

/** Runs the step that the address names. */
export async function runSteps(pipeline) {
  const load = (more) => pipeline('sentiment-analysis', model, { ...loadOptions(), ...more });
  let answer;
  try {
    answer = await STEPS[parameters.get('step') ?? 'classify'](load);
  } catch (error) {
    answer = { error: failure(error) };
  }
  document.querySelector('#answer').textContent = JSON.stringify({ isolated: crossOriginIsolated, ...answer });
}
