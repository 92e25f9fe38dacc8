/** Sentiment as you type, and the attentions of the same forward. */
import { AlbertForSequenceClassification, AlbertTokenizer, type Tensor } from 'albert-wasm';
import { SST2, withBar } from './models.js';
import { announcer, element, latest, percent } from './page.js';

/** One reading of a sentence. */
export interface Reading {
  /** (seq), as they are written in the sentence. */
  readonly tokens: readonly string[];
  /** One a layer: (1, heads, seq, seq). */
  readonly attentions: readonly Tensor<Float32Array>[];
}

/** The most tokens that are read, special ones included: a map of more has no legible squares. */
const MAX_TOKENS = 64;

/** Milliseconds without a key before a sentence is read. */
const PAUSE = 60;

/** A model and its tokenizer. */
export interface Loaded {
  readonly tokenizer: AlbertTokenizer;
  readonly model: AlbertForSequenceClassification;
}

export function loadSentiment(): Promise<Loaded> {
  return withBar('sentiment-loading', 'albert-mini-en-sst2', SST2, async (onProgress) => {
    const [tokenizer, model] = await Promise.all([
      AlbertTokenizer.from_pretrained(SST2, { onProgress }),
      AlbertForSequenceClassification.from_pretrained(SST2, { onProgress, threads: 'auto' }),
    ]);
    return { tokenizer, model };
  });
}

/**
 * Reads the sentence now and whenever it changes.
 *
 * @param onReading receives each reading
 */
export function startSentiment({ tokenizer, model }: Loaded, onReading: (reading: Reading) => void): void {
  const announce = announcer('announcement');
  const read = latest(PAUSE, async (text: string, signal) => {
    // An empty field has no sentiment, though the model would give it one.
    element('verdict').style.visibility = text.trim() === '' ? 'hidden' : 'visible';
    if (text.trim() === '') return;
    const { input_ids, tokens, offsets } = tokenizer.encode(text, { truncation: true, max_length: MAX_TOKENS });
    const start = performance.now();
    const { logits, attentions = [] } = await model.forward({ input_ids }, { output_attentions: true, signal });
    const milliseconds = performance.now() - start;
    // A later sentence may have been typed while the answer was on its way.
    if (signal.aborted) return;
    const [negative = 0, positive = 0] = logits.data;
    const score = 1 / (1 + Math.exp(negative - positive));
    announce(showVerdict(score));
    element('pace').textContent = `${input_ids.length} tokens, read in ${milliseconds.toFixed(0)} ms`;
    const spelled = tokens.map((token, i) => {
      const [from, to] = offsets[i] as [number, number];
      return text.slice(from, to) || token;
    });
    onReading({ tokens: spelled, attentions });
  });
  const text = element<HTMLTextAreaElement>('text');
  text.addEventListener('input', () => read(text.value));
  for (const button of document.querySelectorAll<HTMLButtonElement>('.examples button')) {
    button.addEventListener('click', () => {
      text.value = button.textContent ?? '';
      read(text.value);
    });
  }
  read(text.value);
}

/** @param score of the positive label; @returns the verdict in words */
function showVerdict(score: number): string {
  const [label, confidence] = score >= 0.5 ? ['Positive', score] : ['Negative', 1 - score];
  element('label').textContent = label as string;
  element('score').textContent = percent(confidence as number);
  element('scale').style.setProperty('--at', String(score));
  element('scale').setAttribute('aria-label', `${percent(score)} of the way from negative to positive`);
  element('verdict').hidden = false;
  return `${label}, ${percent(confidence as number)}`;
}
