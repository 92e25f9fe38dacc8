/** The command line's bar: what it writes, how seldom, and that nothing of it stays. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProgressBar } from '../../src/cli/progress-bar.js';

const test = suite('progress bar');

function record(columns?: number) {
  const written: string[] = [];
  return { written, columns, write: (text: string) => written.push(text) };
}

const FILE = { stage: 'download', file: 'model.safetensors', total: 48e6 } as const;

test('shows parts, sizes and the file', () => {
  const terminal = record();
  new ProgressBar(terminal).show({ ...FILE, loaded: 24e6 });
  assert.equal(terminal.written, [`\r\x1b[K${'█'.repeat(12)}${'░'.repeat(12)}  24.0 MB of 48.0 MB  model.safetensors`]);
});

test('writes only what changes, within the width, and leaves the line empty', () => {
  const terminal = record(30);
  const bar = new ProgressBar(terminal);
  for (let loaded = 0; loaded < 1000; loaded++) bar.show({ ...FILE, loaded });
  assert.is(terminal.written.length, 1);
  assert.is(terminal.written[0]?.length, '\r\x1b[K'.length + 29);
  bar.show({ ...FILE, stage: 'read', loaded: 48e6 });
  bar.clear();
  bar.clear();
  assert.equal(terminal.written.slice(1), ['\r\x1b[K']);
});

test('without a total there is no bar; an empty file is no fault', () => {
  const terminal = record();
  const bar = new ProgressBar(terminal);
  bar.show({ ...FILE, loaded: 1e6, total: undefined });
  bar.show({ ...FILE, loaded: 0, total: 0 });
  assert.is(terminal.written[0], '\r\x1b[K1.0 MB  model.safetensors');
  assert.match(terminal.written[1] as string, '0.0 MB of 0.0 MB');
});

test.run();
