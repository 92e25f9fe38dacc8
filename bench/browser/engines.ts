/**
 * A forward of 128 tokens of ALBERT-base in Chromium, Firefox and WebKit, relative to Chromium; the engines take turns, each
 * round in a new browser.
 *
 * `--rounds N` (default: 3) and `--seconds N` for each forward and round (default: 1) print the figures, `--json FILE` writes them
 * there.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { EngineMissing, type EngineName, waitFor } from '../../test/browser/engines/engine.js';
import { startEngine } from '../../test/browser/engines/start.js';
import { readArguments } from '../arguments.js';
import { parseCount, parseSeconds } from '../choices.js';
import { type Row, rounded } from '../format.js';
import { machine } from '../machine.js';
import { writeReport } from '../report.js';
import { median } from '../statistics.js';
import type { Benched } from './page.js';
import { address, serve } from './serve.js';

const { rounds, seconds, json, partial } = readArguments(
  {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
  ({ rounds, seconds, json }) => ({ rounds: parseCount('rounds', rounds), seconds: parseSeconds(seconds), json }),
);

const NAMES: readonly EngineName[] = ['Chromium', 'Firefox', 'WebKit'];
/** ALBERT-base is made in the page before it is timed. */
const PAGE_MS = 300_000;

interface Measured {
  readonly engine: string;
  readonly dtype: string;
  readonly build: string;
  /** The median of each round, in milliseconds. */
  readonly ms: number[];
}

const measured = new Map<string, Measured>();

/** One round of one engine, in a new browser. */
async function run(name: EngineName, url: string): Promise<void> {
  const engine = await startEngine(name);
  try {
    await engine.open(url);
    const { build, forwards, error } = await waitFor<Benched>(engine, 'window.benched', PAGE_MS);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    for (const { dtype, forward } of forwards) {
      const key = `${name} ${dtype}`;
      const row = measured.get(key) ?? { engine: `${name} ${engine.version}`, dtype, build, ms: [] };
      measured.set(key, row);
      row.ms.push(median(forward.wall));
      console.log(`${key} ${row.ms.at(-1)?.toFixed(1)} ms`);
    }
  } finally {
    await engine.close();
  }
}

function rowOf({ engine, dtype, build, ms }: Measured): Row {
  const base = measured.get(`Chromium ${dtype}`);
  const times = base === undefined ? [] : ms.map((value, i) => value / (base.ms[i] as number));
  return {
    engine,
    dtype,
    build,
    ms: rounded(median(ms)),
    'ms, each round': ms.map((value) => value.toFixed(1)).join(', '),
    'times as long as Chromium': times.length > 0 ? rounded(median(times), 2) : '',
  };
}

const directory = await mkdtemp(`${tmpdir()}/albert-wasm-bench-`);
const server = await serve(directory);
try {
  const url = `${address(server)}?${new URLSearchParams({ only: 'forward 1x128', seconds: String(seconds) })}`;
  const missing = new Set<EngineName>();
  for (let round = 0; round < rounds; round++) {
    for (const name of NAMES.filter((name) => !missing.has(name))) {
      try {
        await run(name, url);
      } catch (error) {
        if (!(error instanceof EngineMissing)) throw error;
        console.log(`skipped: ${error.message}`);
        missing.add(name);
      }
    }
  }
} finally {
  await server.close();
  await rm(directory, { recursive: true });
}

const rows = [...measured.values()].map(rowOf);
writeReport(
  'engines',
  {
    title: 'A forward of 1x128 tokens of ALBERT-base in each browser engine',
    summary: `${rows.map((row) => `${row.engine} ${row.dtype} ${row['times as long as Chromium']}`).join('; ')} (times as long as Chromium).`,
    note: "One thread, the page's own. The engines took turns, each round in a new browser; the ratio is the median round by round. Answers are compared with float32 first.",
    command: 'npm run bench:engines',
    rows,
    charts: [],
    raw: [...measured.values()],
  },
  {
    json,
    partial,
    on: machine({ engine: 'headless, from Debian', tag: 'debian' }),
  },
);
