/** The page's side: asks the worker, and forgets questions that a later one has replaced. */
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const text = document.getElementById('text');
const answer = document.getElementById('answer');

let latest = 0;

function ask() {
  // The worker cancels what it still works at when a newer question comes.
  worker.postMessage({ id: ++latest, text: text.value });
}

worker.onmessage = ({ data: { id, label, score, error } }) => {
  if (id !== latest) return;
  answer.textContent = error ?? `${label} ${(score * 100).toFixed(1)} %`;
};
worker.onerror = ({ message }) => {
  answer.textContent = message || 'the worker could not be loaded';
};

text.addEventListener('input', ask);
ask();
