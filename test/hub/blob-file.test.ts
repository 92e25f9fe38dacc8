/** Downloads on the disk: whatever others do with the unfinished files beside them, a hash names its content and nothing else. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BlobFile } from '../../src/hub/node/blob-file.js';
import { HubCache } from '../../src/hub/node/cache.js';
import { writeFiles } from '../../src/platform/node/platform.js';
import { stateCases } from '../support/cases.js';
import { expectError } from '../support/expect-error.js';

const test = suite('downloads on the disk');

const ROOT = mkdtempSync(`${tmpdir()}/albert-wasm-blobs-`);
test.after(() => rmSync(ROOT, { recursive: true }));

const BYTES = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 251));
const HASH = createHash('sha256').update(BYTES).digest('hex');
const SIZE = BYTES.length;
const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** An empty folder, and the path that the blob gets. */
function fresh(): { folder: string; blob: string; names: () => string[] } {
  const folder = mkdtempSync(`${ROOT}/`);
  return { folder, blob: `${folder}/${HASH}`, names: () => readdirSync(folder).sort() };
}

/** Makes every file look as if it had not been written to for ten minutes. */
function age(folder: string): void {
  const then = Date.now() / 1000 - 600;
  for (const name of readdirSync(folder)) utimesSync(`${folder}/${name}`, then, then);
}

/** The rest of the file, as a server that is asked for it gives it, and what `download` does then. */
async function complete(file: BlobFile): Promise<void> {
  while (file.length < SIZE) await file.write(BYTES.subarray(file.length, Math.min(SIZE, file.length + 30_000)));
  assert.is(await file.digest(), HASH);
  await file.finish();
}

test('a download that only looks abandoned goes on beside the one that has copied it', async () => {
  let cases = 0;
  for (const first of [0, 1]) {
    for (const held of [1, 40_000, SIZE - 1, SIZE]) {
      const { folder, blob, names } = fresh();
      const slow = await BlobFile.open(blob, SIZE);
      await slow.write(BYTES.subarray(0, held));
      age(folder);
      const quick = await BlobFile.open(blob, SIZE);
      assert.is(quick.length, held, 'it goes on from what was there');
      const half = Math.ceil((SIZE - held) / 2);
      await slow.write(BYTES.subarray(held, held + half));
      await quick.write(BYTES.subarray(held, held + half));
      const order = first === 0 ? [slow, quick] : [quick, slow];
      for (const file of order) {
        await complete(file);
        assert.is(hashOf(blob), HASH, `held ${held}`);
      }
      assert.equal(names(), [HASH], 'nothing is left');
      cases++;
    }
  }
  stateCases(cases, 8);
});

test('many downloads of one blob, each failing and taken up again', async () => {
  const { blob, names } = fresh();
  const runs = Array.from({ length: 12 }, async (_, i) => {
    const failing = await BlobFile.open(blob, SIZE);
    await failing.write(BYTES.subarray(failing.length, Math.max(failing.length, i * 5000)));
    await failing.abandon();
    await complete(await BlobFile.open(blob, SIZE));
  });
  await Promise.all(runs);
  assert.is(hashOf(blob), HASH);
  assert.equal(names(), [HASH]);
});

test('links, pipes and folders in a shared cache are neither followed nor written to', async () => {
  const { folder, blob, names } = fresh();
  const victim = `${ROOT}/victim`;
  writeFileSync(victim, 'precious');
  utimesSync(victim, 1, 1);
  symlinkSync(victim, `${blob}.00000000.incomplete`);
  symlinkSync(`${ROOT}/nowhere`, `${blob}.11111111.incomplete`);
  mkdirSync(`${blob}.22222222.incomplete`);
  execFileSync('mkfifo', [`${blob}.33333333.incomplete`]);
  utimesSync(`${blob}.33333333.incomplete`, 1, 1);
  const file = await BlobFile.open(blob, SIZE);
  assert.is(file.length, 0, 'nothing of it was copied');
  await complete(file);
  assert.is(hashOf(blob), HASH);
  assert.is(readFileSync(victim, 'utf8'), 'precious');
  assert.not.ok(existsSync(`${ROOT}/nowhere`));
  assert.ok(names().includes(HASH), folder);
});

test('what was copied is hashed as the disk gives it back', async () => {
  const { folder, blob } = fresh();
  writeFileSync(`${blob}.00000000.incomplete`, BYTES.subarray(0, 50_000));
  age(folder);
  const file = await BlobFile.open(blob, SIZE);
  await file.write(BYTES.subarray(50_000));
  const [mine] = readdirSync(folder).filter((name) => !name.includes('.00000000.'));
  writeSync(openSync(`${folder}/${mine}`, 'r+'), 'X', 10);
  assert.is.not(await file.digest(), HASH);
  await file.restart();
  await complete(file);
  assert.is(hashOf(blob), HASH);
});

/** What another program does to the unfinished file before it gets its name. */
const CHANGES: Record<string, (path: string, folder: string) => void> = {
  appended: (path) => appendFileSync(path, 'more'),
  cut: (path) => writeFileSync(path, BYTES.subarray(1)),
  'another file': (path) => {
    renameSync(path, `${path}-aside`);
    writeFileSync(path, Buffer.alloc(SIZE));
  },
  'a link': (path) => {
    renameSync(path, `${path}-aside`);
    symlinkSync(`${path}-aside`, path);
  },
};

test('a file that is not the one that was written gets no name', async () => {
  for (const [name, change] of Object.entries(CHANGES)) {
    const { folder, blob } = fresh();
    const file = await BlobFile.open(blob, SIZE);
    await file.write(BYTES);
    assert.is(await file.digest(), HASH);
    change(`${folder}/${readdirSync(folder)[0]}`, folder);
    await expectError(() => file.finish(), 'ERR_SOURCE', 'is not the file that was written');
    assert.not.ok(existsSync(blob), name);
  }
  stateCases(Object.keys(CHANGES).length, 4);
});

test('a file that an earlier release has taken for its own is no loss where the content has its name', async () => {
  const { folder, blob, names } = fresh();
  const file = await BlobFile.open(blob, SIZE);
  await file.write(BYTES);
  renameSync(`${folder}/${readdirSync(folder)[0]}`, blob);
  await file.finish();
  assert.equal(names(), [HASH]);
  const other = fresh();
  const lost = await BlobFile.open(other.blob, SIZE);
  await lost.write(BYTES);
  rmSync(`${other.folder}/${readdirSync(other.folder)[0]}`);
  assert.is(await lost.finish().catch(({ code }) => code), 'ENOENT');
});

test('what killed downloads and saves have left is swept a day later, and what is no download stays', async () => {
  const { folder, blob, names } = fresh();
  const other = 'f'.repeat(40);
  const stay = ['notes.incomplete', `${other}.incomplete`, `${other}.txt`];
  for (const name of [`${other}.01234567.incomplete`, ...stay]) writeFileSync(`${folder}/${name}`, 'x');
  await complete(await BlobFile.open(blob, SIZE));
  assert.is(names().length, 5, 'they are not a day old');
  const { now } = Date;
  try {
    Date.now = () => now() + 25 * 3_600_000;
    rmSync(blob);
    await complete(await BlobFile.open(blob, SIZE));
    assert.equal(names(), [HASH, ...stay].sort());

    const uuid = '01234567-89ab-cdef-0123-456789abcdef';
    const saved = `${folder}/saved`;
    mkdirSync(saved);
    for (const name of ['config.json', 'other.json']) writeFileSync(`${saved}/${name}.${uuid}.incomplete`, '');
    await writeFiles(saved, new Map([['config.json', new Uint8Array(2)]]), []);
    assert.equal(readdirSync(saved).sort(), ['config.json', `other.json.${uuid}.incomplete`]);
    rmSync(saved, { recursive: true });

    const cache = new HubCache(folder, 'owner/name', {});
    const refs = `${folder}/models--owner--name/refs`;
    mkdirSync(refs, { recursive: true });
    for (const name of ['main.01234567.incomplete', 'main.txt', 'other.01234567.incomplete'])
      writeFileSync(`${refs}/${name}`, '');
    await cache.writeRef('main', other);
    assert.equal(readdirSync(refs).sort(), ['main', 'main.txt', 'other.01234567.incomplete']);
  } finally {
    Date.now = now;
  }
});

test.run();
