/** Charts: bars as long as their values, words escaped, one colour a series. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Chart, drawChart } from '../../bench/chart.js';

const chart = suite('chart');

const CHART: Chart = {
  name: 'speed',
  title: 'Speed & <size>',
  unit: 'Gop/s; longer is better',
  groups: [
    {
      label: '1x128',
      bars: [
        { series: 'float32', value: 20, quartiles: [18, 22] },
        { series: 'int8', value: 80 },
      ],
    },
    { label: '8x128', bars: [{ series: 'float32', value: 40 }] },
  ],
  reference: { value: 50, label: 'peak' },
};

chart('bars, labels and units', () => {
  const svg = drawChart(CHART, 'a machine');
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="13" fill="(#\w+)"/g)];
  assert.is(bars.length, 3);
  const [small, large, half] = bars.map(([, , width]) => Number(width)) as [number, number, number];
  assert.ok(Math.abs(large - 4 * small) < 0.5 && Math.abs(large - 2 * half) < 0.5, `${small}, ${large}, ${half}`);
  const [first, second, third] = bars.map(([, , , colour]) => colour);
  assert.is(first, third);
  assert.is.not(first, second);
  for (const words of ['Speed &amp; &lt;size&gt;', 'a machine', CHART.unit, '1x128', 'int8', 'peak', '>80<']) {
    assert.ok(svg.includes(words), words);
  }
});

chart('a background of its own, and everything inside it', () => {
  const svg = drawChart(CHART, 'a machine');
  const [, width, height] = svg.match(/viewBox="0 0 (\d+) (\d+)"/) as RegExpMatchArray;
  assert.match(
    svg,
    new RegExp(
      `<rect x="0.5" y="0.5" width="${Number(width) - 1}" height="${Number(height) - 1}" rx="6" fill="#ffffff"`,
    ),
  );
  for (const [, x, y] of svg.matchAll(/ x="([\d.]+)" y="([\d.]+)"/g)) {
    assert.ok(Number(x) < Number(width) && Number(y) < Number(height), `${x}, ${y}`);
  }
});

chart('several lines where words need them: none leaves the chart', () => {
  const names = Array.from({ length: 5 }, (_, i) => `a runtime with a long name, number ${i}`);
  const machine = Array.from({ length: 40 }, (_, i) => `part${i}`);
  const groups = [{ label: '1x128', bars: names.map((series) => ({ series, value: 1 })) }];
  const svg = drawChart({ name: 'speed', title: 'Speed', unit: 'ms', groups }, machine.join(' '));
  const width = Number(svg.match(/viewBox="0 0 (\d+)/)?.[1]);
  const [firstBar] = svg.match(/(?<=y=")\d+(?=" width="[\d.]+" height="13")/) as RegExpMatchArray;
  const texts = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*text-anchor="start">([^<]*)</g)];
  const heads = texts.filter(([, , y]) => Number(y) < Number(firstBar));
  // Letters of 12 pixels have 6 on average.
  for (const [, x, , words = ''] of heads) assert.ok(Number(x) + words.length * 6 < width, words);
  const places = new Set(heads.map(([, x, y]) => `${x} ${y}`));
  assert.is(places.size, heads.length);
  const read = heads.map(([, , , words]) => words).join(' ');
  for (const words of [...names, ...machine]) assert.ok(read.includes(words), words);
});

chart.run();
