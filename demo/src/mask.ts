/** Words for each mask, with bars. The model is loaded when it is first asked. */
import { type FilledMask, type FillMaskPipeline, pipeline } from 'albert-wasm';
import { bytesOf, ENGLISH, withBar } from './models.js';
import { announcer, element, latest, make, megabytes, percent } from './page.js';

const MASK = '[MASK]';
const NAME = 'albert-mini-en';
const WORDS = 6;

/**
 * Makes the section work.
 *
 * @param onLoad is called when the model is loaded
 */
export function startMask(onLoad: () => void): void {
  const input = element<HTMLTextAreaElement>('masked');
  const button = element<HTMLButtonElement>('suggest');
  const announce = announcer('mask-announcement');
  let loading: Promise<FillMaskPipeline> | undefined;
  button.textContent = `Suggest words (loads ${megabytes(bytesOf(NAME, ENGLISH))} once)`;

  const load = () =>
    (loading ??= withBar('mask-loading', NAME, ENGLISH, (onProgress) =>
      pipeline('fill-mask', ENGLISH, { onProgress, threads: 'auto' }),
    )
      .then((fill) => {
        onLoad();
        return fill;
      })
      .catch((error) => {
        // The next click tries again.
        loading = undefined;
        button.hidden = false;
        throw error;
      }));

  const suggest = latest(60, async (text: string, signal) => {
    const fill = await load();
    if (signal.aborted) return;
    const masks = text.includes(MASK) ? await fill(text, { top_k: WORDS, signal }) : [];
    if (signal.aborted) return;
    const lists = masks.map((words, i) => suggestionsOf(words, i, masks.length));
    const hint = make('p', 'No word is missing: hide one to see what else could be there.', { class: 'note' });
    element('suggestions').replaceChildren(...(lists.length > 0 ? lists : [hint]));
    announce(masks.map((words) => words.map(({ token_str }) => token_str).join(', ')).join('; '));
  });

  /** Puts a text into the field; the model answers if it has been asked before. */
  const write = (text: string) => {
    input.value = text;
    showWords(text);
    if (loading !== undefined) suggest(text);
  };

  /** The list of words for the `index`-th mask, each a button that fills it. */
  function suggestionsOf(words: readonly FilledMask[], index: number, count: number): HTMLElement {
    const list = make('ol', '', { 'aria-label': count === 1 ? 'Words for the mask' : `Words for mask ${index + 1}` });
    const most = words[0]?.score ?? 1;
    for (const { token_str, score } of words) {
      const word = make('button', '', { type: 'button', 'aria-label': `Fill in ${token_str}, ${percent(score)}` });
      const bar = make('span', '', { class: 'bar' });
      bar.style.setProperty('--share', String(score / most));
      word.append(make('span', token_str, { class: 'word' }), bar, make('span', percent(score), { class: 'number' }));
      word.addEventListener('click', () => {
        write(replaceMask(input.value, index, token_str));
        element('words').querySelector<HTMLElement>('button')?.focus();
      });
      list.appendChild(make('li')).append(word);
    }
    return list;
  }

  /** The sentence's words as buttons that hide them. */
  function showWords(text: string): void {
    const parts = text.split(/(\[MASK\]|[\p{L}\p{M}\p{N}'’-]+)/u).map((part, i) => {
      if (i % 2 === 0) return make('span', part);
      if (part === MASK) return make('span', part, { class: 'hidden-word' });
      const word = make('button', part, { type: 'button', 'aria-label': `Hide “${part}”` });
      word.addEventListener('click', () => {
        write(parts.map((other) => (other === word ? MASK : other.textContent)).join(''));
        if (loading === undefined) button.focus();
      });
      return word;
    });
    element('words').replaceChildren(...parts);
  }

  input.addEventListener('input', () => write(input.value));
  button.addEventListener('click', () => {
    button.hidden = true;
    element('failure').hidden = true;
    suggest(input.value);
  });
  showWords(input.value);
}

/** The text with its `index`-th mask filled. */
function replaceMask(text: string, index: number, word: string): string {
  let seen = -1;
  return text.replaceAll(MASK, (mask) => (++seen === index ? word : mask));
}
