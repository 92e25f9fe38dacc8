/**
 * Reports: a Markdown table and charts to read, the same rows as JSON to compare, every raw sample beside them, and an
 * index of all of them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { drawChart } from './chart.js';
import type { Cell, Report, Row } from './format.js';
import { type Machine, machine, nameMachine } from './machine.js';

/** What a report's JSON holds. */
interface Stored extends Pick<Report, 'title' | 'summary' | 'command' | 'rows'> {
  readonly date: string;
  readonly machine: Machine;
}

const RESULTS = new URL('./results/', import.meta.url);

const INTRODUCTION = `# Results

Written by the benches, this index included. Figures are medians of one run in which the contestants took turns. Answers were
compared before the timing, and the peak of the machine was measured in between. Read the ratios and the shares of the peak:
milliseconds are those of this machine at that hour. \`npm run bench:report\` runs everything with the current Node and writes
all reports. Each report's own command writes that report; with an option that changes what is measured, such as \`--dtype\` or
\`--seconds\`, it prints its rows and writes nothing. With \`--add\`, \`bench:peers\` and \`bench:pipeline\` put the rows of \`--shape\`,
\`--dtype\` and \`--threads\` into their last report; \`bench:train -- --only\` chooses reports. \`bench:claims\` puts figures into README and
docs. Every bench takes \`--json FILE\`. Reports of processors with AVX-VNNI, and of engines with V8's flag for 256 bits (\`--wide\`),
have names of their own.
`;

/** A Markdown table; numbers are aligned to the right. */
export function markdownTable(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly Cell[]) => `| ${cells.join(' | ')} |`;
  const alignment = columns.map((column) => (typeof rows[0]?.[column] === 'number' ? '---:' : '---'));
  return [line(columns), line(alignment), ...rows.map((row) => line(columns.map((column) => row[column] ?? '')))].join(
    '\n',
  );
}

export interface Where {
  /** Where the JSON goes instead; then nothing else is written. */
  readonly json?: string;
  /** Rows were left out: without `json`, nothing is written. */
  readonly partial?: boolean;
  /** What ran it, unless it was this machine's Node. */
  readonly on?: Machine;
}

/** Writes `NAME-nodeNN.md`, `.json` and a `.svg` for each chart into `bench/results`, the raw samples into its `tmp`. */
export function writeReport(name: string, report: Report, { json, partial = false, on = machine() }: Where = {}): void {
  const { title, summary, note, command, rows, charts, raw } = report;
  const stored: Stored = { title, summary, command, date: new Date().toISOString().slice(0, 10), machine: on, rows };
  if (json !== undefined) writeFileSync(json, toJson({ ...stored, raw }));
  if (json !== undefined || partial) return;
  const file = `${name}-${on.tag}`;
  mkdirSync(new URL('tmp/', RESULTS), { recursive: true });
  writeFileSync(new URL(`${file}.json`, RESULTS), toJson(stored));
  writeFileSync(new URL(`tmp/${file}.json`, RESULTS), toJson({ ...stored, raw }));
  const images = charts.map((chart) => {
    const image = `${file}-${chart.name}.svg`;
    writeFileSync(new URL(image, RESULTS), drawChart(chart, nameMachine(on)));
    return `![${chart.title}](${image})`;
  });
  const paragraphs = [
    `# ${title}`,
    summary,
    `${nameMachine(on)}; ${stored.date}; \`${command}\``,
    note,
    ...images,
    markdownTable(rows),
  ];
  writeFileSync(new URL(`${file}.md`, RESULTS), `${paragraphs.join('\n\n')}\n`);
  writeIndex();
}

/**
 * What the last run of a bench measured on this machine, for a run that adds to it; nothing if there was none.
 *
 * @throws where another machine or engine of that tag measured it
 */
export function lastRaw<Measured>(name: string, on: Machine): Measured[] {
  const file = new URL(`tmp/${name}-${on.tag}.json`, RESULTS);
  if (!existsSync(file)) return [];
  const { machine: then, raw }: Stored & { raw: Measured[] } = JSON.parse(readFileSync(file, 'utf8'));
  if (nameMachine(then) !== nameMachine(on)) throw new Error(`${file.pathname} is of ${nameMachine(then)}`);
  return raw;
}

function writeIndex(): void {
  const reports = readdirSync(RESULTS).filter((file) => file.endsWith('.json'));
  const rows = reports.sort().map((file) => {
    const { summary, command, date, machine: on }: Stored = JSON.parse(readFileSync(new URL(file, RESULTS), 'utf8'));
    const report = file.replace('.json', '');
    return {
      report: `[${report}](${report}.md)`,
      finding: summary,
      machine: nameMachine(on),
      date,
      repeat: `\`${command}\``,
    };
  });
  writeFileSync(new URL('README.md', RESULTS), `${INTRODUCTION}\n${markdownTable(rows)}\n`);
}

function toJson(content: object): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}
