/**
 * The tables in README.md and docs that repeat figures of reports. `npm run bench:claims` makes them anew and puts them in their
 * pages; a test holds that they are there, and that the pages name the days of the reports.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Row } from './format.js';
import { markdownTable } from './report.js';

const ROOT = new URL('../', import.meta.url);

interface Stored {
  readonly date: string;
  readonly rows: readonly Row[];
}

function read(report: string): Stored {
  return JSON.parse(readFileSync(new URL(`bench/results/${report}.json`, ROOT), 'utf8'));
}

export interface Claim {
  readonly pages: readonly string[];
  readonly table: string;
  /** The days of its reports, as in "29 November 2026". */
  readonly days: readonly string[];
}

/** Column titles and reports. */
const PEERS = {
  'AMD EPYC, Node 20': 'peers-node20',
  'AMD EPYC, Node 24': 'peers-node24',
  'Intel Xeon, Node 24': 'peers-node24-avx-vnni',
  'Intel Xeon, Node 24, 256 bits': 'peers-node24-avx-vnni-wide',
} as const;

/** Times of other runtimes at 1x128 tokens, relative to ours. */
function peers(): Claim {
  const reports = Object.entries(PEERS).map(([title, name]) => ({ ...read(name), title }));
  const rows = ['onnxruntime-web', 'tfjs-backend-wasm', 'onnxruntime-node'].flatMap((runtime) =>
    (['float32', 'int8'] as const)
      .filter((dtype) => dtype === 'float32' || runtime !== 'tfjs-backend-wasm')
      .map((dtype): Row => {
        const name = `${runtime}${runtime === 'onnxruntime-node' ? ', native' : ''}, ${dtype}`;
        const cells = reports.map(({ title, rows }) => {
          const row = rows.find((one) => one.shape === '1x128' && one.dtype === dtype && one.runtime === runtime);
          return [title, Number(row?.['relative time']).toFixed(2)];
        });
        return { '': name, ...Object.fromEntries(cells) };
      }),
  );
  return { pages: ['README.md', 'docs/comparison.md'], table: markdownTable(rows), days: reports.map(dayOf) };
}

const SENTENCES = 'pipeline-node24-avx-vnni';

/** Sentences per second, from the text to the label. */
function sentences(): Claim {
  const report = read(SENTENCES);
  const titleOf = ({ dtype, threads }: Row) => `${dtype}${threads === 1 ? '' : `, ${threads} threads`}`;
  const runtimes = [...new Set(report.rows.map(({ runtime }) => runtime))] as string[];
  const rows = runtimes.map((runtime): Row => {
    const cells = report.rows.filter((row) => row.runtime === runtime);
    return {
      '': runtime,
      ...Object.fromEntries(cells.map((row) => [titleOf(row), Number(row['sentences/s']).toFixed(1)])),
    };
  });
  return { pages: ['docs/performance.md'], table: markdownTable(rows), days: [dayOf(report)] };
}

function dayOf({ date }: Stored): string {
  return new Date(date).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
}

/** Those whose reports are there. */
export function claims(): Claim[] {
  const pipelines = existsSync(new URL(`bench/results/${SENTENCES}.json`, ROOT));
  return [peers(), ...(pipelines ? [sentences()] : [])];
}

/** A page with a table in place of the one with the same first column of names. */
function replaced(page: string, table: string): string {
  const names = (lines: string) =>
    lines
      .split('\n')
      .map((line) => line.split(' | ')[0])
      .slice(2)
      .join();
  const tables = page.match(/(?:^\|.*\n)+/gm) ?? [];
  const old = tables.filter((one) => names(one.trimEnd()) === names(table));
  if (old.length !== 1) throw new Error(`expected one table with the rows ${names(table)}, got ${old.length}`);
  return page.replace(old[0] as string, () => `${table}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { pages, table } of claims()) {
    for (const page of pages) {
      const file = new URL(page, ROOT);
      writeFileSync(file, replaced(readFileSync(file, 'utf8'), table));
    }
  }
}
