/** `training.svg`: loss and metric over the steps of a training, as two charts one above the other. */
import type { LogEntry } from '../entry/training.js';
import { printable } from '../ground/printable.js';

interface Line {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [step: number, value: number])[];
}

const [WIDTH, PANEL, LEFT, RIGHT, TOP, GAP] = [760, 210, 64, 24, 56, 64];
/** Told apart without colours too: by the dots of an evaluation. */
const COLORS = ['#1d4ed8', '#b91c1c', '#047857', '#7c3aed', '#b45309'];
/** What is no measure of quality. */
const NOT_METRICS = /_(loss|runtime|samples_per_second|steps_per_second)$/;

/** @param title untrusted text, such as a path */
export function trainingChart(log: readonly LogEntry[], title: string): string {
  const names = [...new Set(log.flatMap((entry) => Object.keys(entry)))];
  const metrics = names.filter((name) => name.startsWith('eval_') && !NOT_METRICS.test(name)).slice(0, COLORS.length);
  const line = (key: string, name: string, i: number): Line => ({
    name,
    color: COLORS[i % COLORS.length] as string,
    points: log.flatMap((entry) => (typeof entry[key] === 'number' ? [[entry.step, entry[key]] as const] : [])),
  });
  const panels = [
    { label: 'loss', lines: [line('loss', 'training', 0), line('eval_loss', 'evaluation', 1)] },
    { label: 'metric', lines: metrics.map((key, i) => line(key, key.slice('eval_'.length), i)) },
  ].filter(({ lines }) => lines.some(({ points }) => points.length > 0));
  const last = Math.max(1, ...log.map(({ step }) => step));
  const height = TOP + panels.length * (PANEL + GAP);
  const parts = panels.map(({ label, lines }, i) => panel(label, lines, last, TOP + i * (PANEL + GAP)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="24" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function panel(label: string, all: readonly Line[], last: number, top: number): string {
  const lines = all.filter(({ points }) => points.length > 0);
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const [low, high, marks] = scale(Math.min(...values), Math.max(...values));
  const x = (step: number) => round(LEFT + ((WIDTH - LEFT - RIGHT) * step) / last);
  const y = (value: number) => round(top + PANEL - (PANEL * (value - low)) / (high - low));
  const [, , steps] = scale(0, last);
  const grid = marks.map(
    (mark) =>
      `<path d="M${LEFT} ${y(mark)}H${WIDTH - RIGHT}" stroke="#e5e7eb"/><text x="${LEFT - 8}" y="${y(mark) + 4}" text-anchor="end" fill="#4b5563">${shown(mark)}</text>`,
  );
  const ticks = steps
    .filter((step) => step <= last)
    .map(
      (step) =>
        `<path d="M${x(step)} ${top + PANEL}v5" stroke="#6b7280"/><text x="${x(step)}" y="${top + PANEL + 18}" text-anchor="middle" fill="#4b5563">${shown(step)}</text>`,
    );
  const legend = lines.map(
    ({ name, color }, i) =>
      `<path d="M${LEFT + 8 + i * 130} ${top - 12}h18" stroke="${color}" stroke-width="2"/><text x="${LEFT + 32 + i * 130}" y="${top - 8}">${escaped(name)}</text>`,
  );
  const curves = lines.map(({ color, points }) => {
    const path = points.map(([step, value], i) => `${i === 0 ? 'M' : 'L'}${x(step)} ${y(value)}`).join('');
    const dots =
      points.length > 60
        ? []
        : points.map(([step, value]) => `<circle cx="${x(step)}" cy="${y(value)}" r="2.5" fill="${color}"/>`);
    return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2" stroke-linejoin="round"/>${dots.join('')}`;
  });
  return [
    ...grid,
    ...ticks,
    `<path d="M${LEFT} ${top}V${top + PANEL}H${WIDTH - RIGHT}" fill="none" stroke="#6b7280"/>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${top + PANEL + 36}" text-anchor="middle" fill="#374151">step</text>`,
    `<text transform="translate(16 ${top + PANEL / 2}) rotate(-90)" text-anchor="middle" fill="#374151">${escaped(label)}</text>`,
    ...legend,
    ...curves,
  ].join('\n');
}

/** The ends of an axis and its marks: multiples of 1, 2 or 5 times a power of ten, about five of them. */
function scale(least: number, most: number): [low: number, high: number, marks: number[]] {
  const span = most - least || Math.abs(most) || 1;
  const power = 10 ** Math.floor(Math.log10(span / 5));
  const unit = power * ([1, 2, 5].find((factor) => span / (power * factor) <= 6) ?? 10);
  const low = Math.floor(least / unit + 1e-9) * unit;
  const count = Math.max(1, Math.ceil((most - low) / unit - 1e-9));
  return [low, low + count * unit, Array.from({ length: count + 1 }, (_, i) => low + i * unit)];
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for XML, in which controls are visible. */
function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
