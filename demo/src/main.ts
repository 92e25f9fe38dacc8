/** Starts the page: sentiment and attention at once, the missing word when it is first asked for, and what a visitor teaches. */
import type { AlbertForSequenceClassification } from 'albert-wasm';
import { AttentionMap } from './attention.js';
import { showDownloads, showFigures } from './figures.js';
import { startMask } from './mask.js';
import { showFailure } from './page.js';
import { loadSentiment, startSentiment } from './sentiment.js';
import { startTeaching } from './teach.js';

let model: AlbertForSequenceClassification | undefined;

startMask(() => {
  if (model !== undefined) showDownloads(model.info()).catch(showFailure);
});
startTeaching();
try {
  const loaded = await loadSentiment();
  const { config } = (model = loaded.model);
  const map = new AttentionMap(config.num_hidden_layers, config.num_attention_heads);
  startSentiment(loaded, (reading) => map.show(reading));
  await showFigures(model);
  await showDownloads(model.info());
} catch (error) {
  showFailure(error);
}
