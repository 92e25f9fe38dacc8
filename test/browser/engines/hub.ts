/** A Hub on this machine that has the small sentiment model, and breaks one download off. */
import { readdirSync, readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { sendFile, TestHub, times } from '../../hub/server.js';

const MODEL = new URL('../../../models/albert-mini-en-sst2/', import.meta.url);
const IN_LFS = /safetensors|model$/;

export async function startHub(): Promise<TestHub> {
  const files = readdirSync(MODEL).map(
    (name) => [name, { bytes: readFileSync(new URL(name, MODEL)), lfs: IN_LFS.test(name) }] as const,
  );
  const hub = await TestHub.start(new Map(files));
  hub.token = 'hf_secret';
  hub.faults.push(
    times(1, 'GET /model.safetensors', (request, response, file) => sendFile(request, response, file!, '"x"', 99)),
  );
  return hub;
}

/** The token stayed with the Hub, small files were verified, and the download was continued, where that is `continued`. */
export function checkRequests(hub: TestHub, continued: boolean): void {
  const onCdn = hub.requests.filter(({ host }) => host === 'cdn');
  if (continued) assert.ok(onCdn.some(({ headers }) => headers.range !== undefined));
  for (const { headers } of onCdn) assert.is(headers.authorization, undefined);
  assert.ok(hub.requests.some(({ url }) => url.includes('/raw/')));
}
