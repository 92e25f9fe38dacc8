/**
 * Bar charts as SVG. A plotting library would bring a document model for what is a few rectangles and words; the colours
 * are written out, background included, so that a chart reads the same on a light page and on a dark one.
 */

export interface Bar {
  /** What the colour stands for. */
  readonly series: string;
  readonly value: number;
  /** Lower and upper quartile, drawn as a line. */
  readonly quartiles?: readonly [number, number];
}

export interface Chart {
  /** Part of the file's name. */
  readonly name: string;
  readonly title: string;
  /** What the bars measure, and which way is better. */
  readonly unit: string;
  readonly groups: readonly { readonly label: string; readonly bars: readonly Bar[] }[];
  /** A value to compare with, drawn as a line from top to bottom. */
  readonly reference?: { readonly value: number; readonly label: string };
}

/** Okabe and Ito's colours, which most kinds of colour blindness tell apart. */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00'];
const [BACKGROUND, TEXT, FAINT, LINE] = ['#ffffff', '#1f2328', '#59636e', '#d1d9e0'];

const WIDTH = 860;
const MARGIN = 20;
const BAR = 15;
const GAP = 9;
/** Pixels from one line of text to the next. */
const TEXT_LINE = 18;
/** Pixels of a letter at 12 pixels: labels are measured by it, generously. */
const LETTER = 6.9;
/** Room for a figure to the right of the longest bar. */
const FIGURE = 64;

/** @param machine where it was measured: the line below the title */
export function drawChart({ title, unit, groups, reference }: Chart, machine: string): string {
  const bars = groups.flatMap((group) => group.bars);
  const series = [...new Set(bars.map((bar) => bar.series))];
  const colour = (name: string) => COLOURS[series.indexOf(name) % COLOURS.length] as string;
  const most = Math.max(
    ...bars.flatMap(({ value, quartiles = [0, 0] }) => [value, quartiles[1]]),
    reference?.value ?? 0,
  );
  const step = niceStep(most);

  const left = MARGIN + Math.max(...groups.map(({ label }) => label.length)) * LETTER + 8;
  const x = (value: number) => left + (value / most) * (WIDTH - MARGIN - FIGURE - left);
  const machineLines = wrapped(machine);
  const unitLine = MARGIN + 36 + machineLines.length * TEXT_LINE;
  const legend = drawLegend(series, colour, unitLine + 12);
  const top = unitLine + 20 + legend.lines * TEXT_LINE;
  const height = groups.reduce((sum, group) => sum + group.bars.length * BAR + GAP, 0);

  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
  const parts = [
    text(MARGIN, MARGIN + 16, title, { size: 17, weight: 600 }),
    ...machineLines.map((words, i) => text(MARGIN, MARGIN + 36 + i * TEXT_LINE, words, { fill: FAINT })),
    text(MARGIN, unitLine, unit),
    ...legend.parts,
    ...ticks.flatMap((value) => [
      line(x(value), top - 4, x(value), top + height, LINE),
      text(x(value), top + height + 16, figure(value), { fill: FAINT, anchor: 'middle' }),
    ]),
  ];
  // Above the lines, so that none runs through a figure.
  const figures: string[] = [];
  let y = top;
  for (const { label, bars } of groups) {
    const middle = y + (bars.length * BAR) / 2;
    parts.push(text(left - 8, middle + 4, label, { anchor: 'end' }));
    for (const { series, value, quartiles } of bars) {
      parts.push(
        `<rect x="${round(left)}" y="${y}" width="${round(x(value) - left)}" height="${BAR - 2}" fill="${colour(series)}"/>`,
      );
      if (quartiles !== undefined) parts.push(line(x(quartiles[0]), y + 6.5, x(quartiles[1]), y + 6.5, TEXT, 2));
      const end = Math.max(x(value), x(quartiles?.[1] ?? 0));
      figures.push(text(end + 5, y + 11, figure(value), { size: 11, halo: true }));
      y += BAR;
    }
    y += GAP;
  }
  if (reference !== undefined) {
    const { value, label } = reference;
    parts.push(line(x(value), top - 4, x(value), top + height, TEXT, 1.5));
    parts.push(text(x(value), top + height + 34, label, { anchor: 'middle' }));
  }
  return document(top + height + (reference === undefined ? 26 : 44), title, [...parts, ...figures]);
}

function document(height: number, title: string, parts: readonly string[]): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, 'DejaVu Sans', sans-serif">`,
    `<title>${escaped(title)}</title>`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="6" fill="${BACKGROUND}" stroke="${LINE}"/>`,
    ...parts,
    '</svg>',
  ].join('\n')}\n`;
}

/** Words in lines that fit. */
function wrapped(content: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of content.split(' ')) {
    if (line !== '' && (line.length + 1 + word.length) * LETTER > WIDTH - 2 * MARGIN) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** The names of the series and their colours, in as many lines as they need; `lines` counts them. */
function drawLegend(series: readonly string[], colour: (name: string) => string, top: number) {
  let [x, lines] = [MARGIN, 1];
  const parts = series.flatMap((name) => {
    const width = 17 + name.length * LETTER;
    if (x > MARGIN && x + width > WIDTH - MARGIN) [x, lines] = [MARGIN, lines + 1];
    const [at, y] = [x, top + (lines - 1) * TEXT_LINE];
    x += width + 17;
    return [
      `<rect x="${round(at)}" y="${y}" width="12" height="12" fill="${colour(name)}"/>`,
      text(at + 17, y + 10, name),
    ];
  });
  return { parts, lines };
}

interface Style {
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  /** An outline in the background's colour. */
  readonly halo?: boolean;
}

function text(
  x: number,
  y: number,
  content: string,
  { size = 12, weight = 400, fill = TEXT, anchor = 'start', halo = false }: Style = {},
) {
  const style = `font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}"`;
  const outline = halo ? ` stroke="${BACKGROUND}" stroke-width="3" paint-order="stroke"` : '';
  return `<text x="${round(x)}" y="${round(y)}" ${style}${outline}>${escaped(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, stroke: string, width = 1): string {
  const ends = `x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"`;
  return `<line ${ends} stroke="${stroke}" stroke-width="${width}"/>`;
}

/** 1, 2 or 5 times a power of ten, so that an axis has three to seven ticks. */
function niceStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 3));
  return ([5, 2].find((factor) => most / (factor * power) >= 3) ?? 1) * power;
}

/** Three significant digits, no exponent. */
function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
