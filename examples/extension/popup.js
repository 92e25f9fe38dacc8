/** The popup: asks the service worker and shows the answer. */
const answer = document.querySelector('#answer');

document.querySelector('#text').addEventListener('change', async ({ target }) => {
  const { label, score, error } = await chrome.runtime.sendMessage({ ask: target.value });
  answer.textContent = error ?? `${label} ${(score * 100).toFixed(1)} %`;
});
