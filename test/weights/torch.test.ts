/** Files that torch itself has written: every tensor is bit for bit what torch reads. Debian's `python3-torch` writes them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openFile } from '../../src/platform/node/platform.js';
import { type Checkpoint, readBytes } from '../../src/weights/checkpoint.js';
import { readPytorch } from '../../src/weights/pytorch/read.js';
import { stateCases } from '../support/cases.js';
import { sameBytes } from './samples.js';

const test = suite('files of torch');

const SCRIPT = fileURLToPath(new URL('torch-files.py', import.meta.url));
/** Debian's own, which has torch where the package is installed. */
const PYTHON = '/usr/bin/python3';

interface Expected {
  readonly file: string;
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly at: number;
    readonly length: number;
  }[];
}

const hasTorch = spawnSync(PYTHON, ['-c', 'import torch']).status === 0;

async function valuesOf(checkpoint: Checkpoint): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  for (const [name, tensor] of checkpoint.tensors) {
    const bytes = new Uint8Array(tensor.bytes.length);
    await readBytes(tensor, bytes, 0);
    values.set(name, bytes);
  }
  return values;
}

if (hasTorch) {
  test('dtypes, views, ties, parameters, wrapped: zip and older, protocols 2 and 4, from disk and from memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'albert-wasm-torch-'));
    let cases = 0;
    try {
      const { status, stderr } = spawnSync(PYTHON, [SCRIPT, folder], { encoding: 'utf8' });
      assert.is(status, 0, stderr);
      const index: Expected[] = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
      for (const { file, tensors } of index) {
        const raw = new Uint8Array(readFileSync(join(folder, `${file}.raw`)));
        const onDisk = await openFile(pathToFileURL(join(folder, file)));
        assert.not.instance(onDisk, Uint8Array);
        for (const bytes of [onDisk!, new Uint8Array(readFileSync(join(folder, file)))]) {
          const checkpoint = await readPytorch(bytes, file);
          const values = await valuesOf(checkpoint);
          assert.equal(
            [...values.keys()],
            tensors.map(({ name }) => name),
            file,
          );
          for (const { name, dtype, shape, at, length } of tensors) {
            const tensor = checkpoint.tensors.get(name)!;
            assert.is(tensor.dtype, dtype, `${file} ${name}`);
            assert.equal([...tensor.shape], shape, `${file} ${name}`);
            assert.ok(sameBytes(values.get(name)!, raw.subarray(at, at + length)), `${file} ${name}`);
            cases++;
          }
        }
        if (!(onDisk instanceof Uint8Array)) await onDisk?.close();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    stateCases(cases, 330);
  });
} else {
  test.skip('there is no torch');
  console.log('\nskipped: there is no torch (apt-get install python3-torch)');
}

const SHARED = new URL('../../../shared/fixtures/pytorch/', import.meta.url);

if (existsSync(SHARED)) {
  test('one state in both formats: the same names and values, bit for bit', async () => {
    const [today, older] = await Promise.all(
      ['zip.bin', 'legacy.bin'].map(async (name) => {
        return valuesOf(await readPytorch(new Uint8Array(readFileSync(new URL(name, SHARED))), name));
      }),
    );
    assert.is(today?.size, 27);
    assert.equal([...today!.keys()], [...older!.keys()]);
    for (const [name, values] of today!) assert.ok(sameBytes(values, older!.get(name)!), name);
  });
}

test.run();
