/** A browser that tests drive: what Chromium, Firefox and WebKit can all do. */

export type EngineName = 'Chromium' | 'Firefox' | 'WebKit';

export interface EngineOptions {
  /** Whether pages see a dark colour scheme; default: false. */
  readonly dark?: boolean;
  /** Whether isolated pages have SharedArrayBuffer; default: true. Only WebKit can be started without it. */
  readonly sharedMemory?: boolean;
}

export interface Engine {
  readonly name: EngineName;
  /** As the browser states it: `'156.0.8078.108'`. */
  readonly version: string;
  open(url: string): Promise<void>;
  /** The value of an expression in the page, as JSON carries it. */
  evaluate<T>(expression: string): Promise<T>;
  /** Types a text into an element, key by key. */
  type(selector: string, text: string): Promise<void>;
  click(selector: string): Promise<void>;
  /** Sets the size of the page's view, in CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  /** Writes a PNG of the view. */
  screenshot(file: string): Promise<void>;
  /** Ends the browser and every process of it. */
  close(): Promise<void>;
}

/** A browser that this machine lacks: what to install. */
export class EngineMissing extends Error {}

/** How long one command to a browser may take, in milliseconds: a browser that hangs fails its test. */
export const COMMAND_MS = 60_000;

/** Waits until an expression in the page is truthy, and returns its value. */
export async function waitFor<T>(engine: Engine, expression: string, milliseconds = COMMAND_MS): Promise<T> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const value = await engine.evaluate<T>(expression);
    if (value) return value;
    if (performance.now() > end) throw new Error(`${engine.name}: ${expression} is still ${value}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
