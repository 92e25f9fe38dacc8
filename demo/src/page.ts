/** Small things that every part of the page needs: its elements, numbers as text, and work of which only the latest counts. */

/** An element that index.html has. */
export function element<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as E;
}

/** Makes an element with its text and attributes. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const integers = new Intl.NumberFormat('en');

export const whole = (value: number) => integers.format(Math.round(value));
/** A share of 1. What is not quite all does not look like all. */
export const percent = (value: number) => (value < 1 && value > 0.9994 ? '> 99.9 %' : `${(value * 100).toFixed(1)} %`);
export const megabytes = (bytes: number) =>
  bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

/** Shows an error in the page rather than in the console. */
export function showFailure(error: unknown): void {
  const failure = element('failure');
  failure.textContent = error instanceof Error ? error.message : String(error);
  failure.hidden = false;
}

/**
 * Work that waits for a pause in typing and gives way to what is typed next: a call aborts the one before it.
 *
 * @param pause milliseconds
 */
export function latest<T>(pause: number, work: (input: T, signal: AbortSignal) => Promise<void>): (input: T) => void {
  let current = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (input) => {
    clearTimeout(timer);
    current.abort();
    const { signal } = (current = new AbortController());
    timer = setTimeout(() => {
      work(input, signal).catch((error) => {
        if (!signal.aborted) showFailure(error);
      });
    }, pause);
  };
}

/** Tells a screen reader, once the typing has paused: each keystroke's result would be a babble. */
export function announcer(id: string): (text: string) => void {
  const region = element(id);
  return latest(900, async (text: string) => {
    region.textContent = text;
  });
}
