/** The curve of loss and accuracy while a model learns. */
import { element, percent } from './page.js';

const WIDTH = 600;
const HEIGHT = 180;

/** One point of the curve; accuracy where it was measured. */
export interface Point {
  readonly step: number;
  readonly loss?: number;
  readonly accuracy?: number;
}

/** Draws the points so far. @param steps how many there will be */
export function drawCurve(points: readonly Point[], steps: number): void {
  const most = Math.max(...points.map(({ loss = 0 }) => loss), 1e-9);
  const lines = [
    ['loss', points.flatMap(({ step, loss }) => (loss === undefined ? [] : [[step, loss / most] as const]))] as const,
    [
      'accuracy',
      points.flatMap(({ step, accuracy }) => (accuracy === undefined ? [] : [[step, accuracy] as const])),
    ] as const,
  ];
  const title = element('curve').querySelector('title') as Element;
  element('curve').replaceChildren(
    title,
    ...lines.map(([name, of]) => {
      const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
      line.setAttribute('class', name);
      line.setAttribute(
        'points',
        of.map(([step, share]) => `${(WIDTH * step) / steps},${HEIGHT - (HEIGHT - 4) * share - 2}`).join(' '),
      );
      return line;
    }),
  );
  const loss = points.findLast((point) => point.loss !== undefined)?.loss;
  const accuracy = points.findLast((point) => point.accuracy !== undefined)?.accuracy;
  element('curve-caption').textContent = [
    loss === undefined ? '' : `Loss (line): ${loss.toFixed(3)}`,
    accuracy === undefined ? '' : `right on your examples (dashes): ${percent(accuracy)}`,
  ]
    .filter(Boolean)
    .join('; ');
}
