/** V8's flag for 256-bit vectors, set by the user of Node: found without a word, and the same bits as without it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('bits of the vectors');

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FLAG = '--experimental-wasm-revectorize';
const DTYPES = ['float32', 'int8'] as const;

/** The tuner decides by time, and neighbours on the machine may disturb it: each process is a new contest. */
const TRIES = 6;

/** Forwards until the tuner has chosen its tiles, then two more; prints a digest for each answer that differs, and the vectors' bits. */
const SCRIPT = `
  import { createHash } from 'node:crypto';
  import { AlbertModel } from './src/entry/index.ts';
  const config = {
    vocab_size: 64,
    embedding_size: 32,
    hidden_size: 512,
    intermediate_size: 2048,
    num_hidden_layers: 2,
    num_attention_heads: 8,
    hidden_act: 'gelu_new',
    max_position_embeddings: 64,
    type_vocab_size: 2,
  };
  const input_ids = { data: Int32Array.from({ length: 64 }, (_, i) => (7 * i) % 64), shape: [1, 64] };
  const answer = {};
  for (const dtype of ['float32', 'int8']) {
    const model = await AlbertModel.from_config(config, { seed: 1, dtype });
    const bits = new Set();
    for (let left = 2, forwards = 0; left > 0 && forwards < 40; forwards++) {
      if (model.info().vectorBits !== undefined) left--;
      const { data } = (await model.forward({ input_ids })).last_hidden_state;
      bits.add(createHash('sha256').update(data).digest('hex'));
    }
    const { kernels, vectorBits, whyNotWide } = model.info();
    answer[dtype] = { bits: [...bits], kernels, vectorBits, whyNotWide };
    await model.dispose();
  }
  console.log(JSON.stringify(answer));
`;

interface Run {
  readonly bits: readonly string[];
  readonly kernels: string;
  readonly vectorBits?: number;
  readonly whyNotWide?: string;
}

function forwards(...flags: string[]): Readonly<Record<'float32' | 'int8', Run>> {
  const source = ['--import', 'tsx', '--conditions=@albert-wasm/source', '--input-type=module', '-e', SCRIPT];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, ...source], { cwd: ROOT, encoding: 'utf8' });
  assert.ok(stdout.startsWith('{'), stderr);
  return JSON.parse(stdout);
}

/** Why nothing can be wide here; `undefined` where V8 knows the flag and the processor has vectors of 256 bits. */
function whyNarrow(): string | undefined {
  const cpu = '/proc/cpuinfo';
  if (process.arch !== 'x64' || !existsSync(cpu)) return 'needs Linux on x64';
  if (!/^flags.* avx2 /m.test(readFileSync(cpu, 'utf8'))) return 'the processor has no AVX2';
  return spawnSync(process.execPath, [FLAG, '-e', '0']).status === 0 ? undefined : `this Node does not know ${FLAG}`;
}

const why = whyNarrow();
if (why !== undefined) console.log(`skipped: ${why}`);

(why === undefined ? test : test.skip)('256 with the flag; every tile gives the same bits as without it', () => {
  const narrow = forwards();
  const found = { float32: [] as unknown[], int8: [] as unknown[] };
  for (let attempt = 0; attempt < TRIES && DTYPES.some((dtype) => !found[dtype].includes(256)); attempt++) {
    const wide = forwards(FLAG);
    for (const dtype of DTYPES) {
      assert.is(wide[dtype].kernels, 'relaxed-simd');
      // Narrow and wide tiles took turns, and all gave one answer.
      assert.equal(wide[dtype].bits, narrow[dtype].bits, dtype);
      assert.is(wide[dtype].bits.length, 1, dtype);
      assert.is(wide[dtype].whyNotWide, undefined);
      found[dtype].push(wide[dtype].vectorBits);
    }
  }
  console.log(`\nbits of the vectors with the flag: ${JSON.stringify(found)}`);
  for (const dtype of DTYPES) {
    assert.ok([128, 256].includes(narrow[dtype].vectorBits as number), 'the tuner has decided');
    assert.ok(found[dtype].includes(256), `${dtype}: ${found[dtype]}`);
  }
});

(why === undefined ? test : test.skip)('NODE_OPTIONS does not accept the flag', () => {
  const env = { ...process.env, NODE_OPTIONS: FLAG };
  const { status, stderr } = spawnSync(process.execPath, ['-e', '0'], { env, encoding: 'utf8' });
  assert.is.not(status, 0);
  assert.match(stderr, 'is not allowed in NODE_OPTIONS');
});

test.run();
