/** The service worker: it cannot start workers and is stopped when idle, so an offscreen document holds the model. */
let opening;

chrome.runtime.onMessage.addListener(({ ask }, _sender, answer) => {
  if (ask === undefined) return false;
  opening ??= openDocument().finally(() => {
    opening = undefined;
  });
  opening
    .then(() => chrome.runtime.sendMessage({ classify: ask }))
    .then(answer, (error) => answer({ error: error.message }));
  return true;
});

async function openDocument() {
  if ((await chrome.runtime.getContexts({ contextTypes: ['OFFSCREEN_DOCUMENT'] })).length > 0) return;
  await chrome.offscreen.createDocument({
    url: 'offscreen.html',
    reasons: ['WORKERS'],
    justification: 'A worker holds the model that classifies text.',
  });
}
