/**
 * Random products have the same bits by every tile, and with V8's 256-bit vectors as without them (docs/decisions/0021). `FUZZ_GEMMS`
 * and `FUZZ_SEED` choose a longer run or another.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stateCases } from '../support/cases.js';

const test = suite('random products');

const SEED = Number(process.env.FUZZ_SEED ?? 20260101);
const PRODUCTS = Number(process.env.FUZZ_GEMMS ?? 1000);
const LEAST = process.env.FUZZ_GEMMS === undefined ? 1000 : 1;
const FLAG = '--experimental-wasm-revectorize';

/** The products in a process of their own, compiled by V8's optimising compiler only: the other one pairs nothing. */
function digest(flags: readonly string[]): { products: number; builds: string[]; digest: string } {
  const file = fileURLToPath(new URL('gemm-digest.ts', import.meta.url));
  const args = [...flags, '--no-liftoff', '--import', 'tsx', '--conditions=@albert-wasm/source', file];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args, `${SEED}`, `${PRODUCTS}`], {
    encoding: 'utf8',
  });
  assert.is(status, 0, stderr);
  return JSON.parse(stdout);
}

let plain: ReturnType<typeof digest>;

test('every tile computes the same bits', () => {
  plain = digest([]);
  for (const build of ['simd', 'simd-threads']) assert.ok(plain.builds.includes(build), build);
  stateCases(plain.products, LEAST);
});

const known = spawnSync(process.execPath, [FLAG, '--eval', '0']).status === 0;
if (!known) console.log(`skipped: this Node does not know ${FLAG}`);
(known ? test : test.skip)('and the same with 256-bit vectors as without them', () => {
  assert.equal(digest([FLAG]), plain);
});

test.run();
