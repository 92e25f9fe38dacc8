/** What a page has and Node lacks: a Cache, and a fetch that shows nothing of redirects. */
import * as assert from 'uvu/assert';
import type { TestHub } from './server.js';

/** The page's Cache storage, as much of it as is used; `refuse` fails what a full disk fails. */
export class TestCaches {
  readonly stores = new Map<string, Map<string, Response>>();
  refuse = false;

  async open(name: string) {
    const store = this.stores.get(name) ?? new Map<string, Response>();
    this.stores.set(name, store);
    return {
      match: async (url: URL) => store.get(url.href)?.clone(),
      put: async (url: URL, response: Response) => {
        if (this.refuse) throw new DOMException('full', 'QuotaExceededError');
        store.set(url.href, response);
      },
    };
  }
}

/** huggingface.co played by a test Hub; like a browser's, this fetch shows nothing of an answer that redirects. */
export function fetchFrom(hub: TestHub): typeof fetch {
  return async (input, init) => {
    assert.is.not(init?.redirect, 'manual');
    const wanted = String(input);
    const response = await fetch(wanted.replace('https://huggingface.co', hub.endpoint), init);
    if (!response.redirected) Object.defineProperty(response, 'url', { value: wanted });
    return response;
  };
}
