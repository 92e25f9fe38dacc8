/** What a visitor teaches: labels with their examples, as fields of the page and as texts with labels. */
import { element, make } from './page.js';

/** One text and its label. */
export interface Example {
  readonly text: string;
  readonly label: string;
}

/** More would not fit the page; a program has no such limit. */
export const MAX_LABELS = 12;

/** What the page begins with. */
const FIRST: Readonly<Record<string, readonly string[]>> = {
  delivery: [
    'Where is my parcel?',
    'The package has not arrived yet.',
    'When will my order be delivered?',
    'The courier left it at the wrong house.',
    'My tracking number does not work.',
    'It should have been here on Monday.',
  ],
  refund: [
    'I would like my money back.',
    'Please refund the second payment.',
    'You charged my card twice.',
    'How do I return this and get a refund?',
    'The amount on my bill is wrong.',
    'I was promised a discount and paid full price.',
  ],
};

/** Shows the first lesson. */
export function startLessons(): void {
  showLessons(new Map(Object.entries(FIRST)));
  element('add-label').addEventListener('click', () => addLabel('', []).querySelector('input')?.focus());
}

/** Puts labels and their examples into the fields. */
export function showLessons(lessons: ReadonlyMap<string, readonly string[]>): void {
  element('labels').replaceChildren();
  for (const [label, texts] of lessons) addLabel(label, texts);
}

function addLabel(label: string, texts: readonly string[]): HTMLElement {
  const card = make('div');
  const name = make('input', '', { type: 'text', maxlength: '60', value: label, spellcheck: 'false' });
  const examples = make('textarea', texts.join('\n'), { rows: '6', spellcheck: 'false' });
  const remove = make('button', 'Remove', { type: 'button' });
  const named = make('label', 'Label');
  named.append(name);
  const exampled = make('label', 'Examples, one per line');
  exampled.append(examples);
  const row = make('div', '', { class: 'name' });
  row.append(named, remove);
  card.append(row, exampled);
  const describe = () => remove.setAttribute('aria-label', `Remove the label ${name.value.trim() || 'without a name'}`);
  name.addEventListener('input', describe);
  describe();
  remove.addEventListener('click', () => {
    card.remove();
    showAdding();
    element('add-label').focus();
  });
  element('labels').append(card);
  showAdding();
  return card;
}

function showAdding(): void {
  element<HTMLButtonElement>('add-label').disabled = element('labels').childElementCount >= MAX_LABELS;
}

/**
 * The examples in the fields.
 *
 * @throws an error that says what is missing
 */
export function readLessons(): Example[] {
  const lessons = new Map<string, Set<string>>();
  for (const card of element('labels').children) {
    const label = (card.querySelector('input') as HTMLInputElement).value.trim();
    const lines = (card.querySelector('textarea') as HTMLTextAreaElement).value.split('\n');
    const texts = lines.map((line) => line.trim()).filter((line) => line !== '');
    if (label === '' && texts.length === 0) continue;
    if (label === '') throw new Error('A label has examples but no name.');
    if (texts.length === 0) throw new Error(`The label “${label}” has no examples.`);
    lessons.set(label, new Set([...(lessons.get(label) ?? []), ...texts]));
  }
  if (lessons.size < 2) throw new Error('Two labels are needed at least, each with a few examples.');
  return [...lessons].flatMap(([label, texts]) => [...texts].map((text) => ({ text, label })));
}
