/** The demo, as it is built and served: what a visitor does by pointer and by keyboard, in headless Chromium. */
import { mkdirSync } from 'node:fs';
import type { BrowserContextOptions, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { AlbertForSequenceClassification, AlbertTokenizer, pipeline } from '../../src/entry/index.js';
import { stateCases } from '../support/cases.js';
import { browserSuite } from './chromium.js';
import { readContrasts } from './contrasts.js';
import { DemoPage, ROOT, SHOTS } from './demo-page.js';

browserSuite('demo', (demo, surroundings) => {
  let served: DemoPage;

  demo.before(async () => {
    mkdirSync(SHOTS, { recursive: true });
    served = await DemoPage.serve();
  });

  demo.after(() => served.close());

  const visit = (options: BrowserContextOptions, work: (page: Page) => Promise<void>) =>
    served.visit(surroundings().browser, options, work);

  /** Types a sentence key by key and waits for the verdict that it must get. */
  async function type(page: Page, text: string, label: string): Promise<void> {
    await page.fill('#text', '');
    await page.locator('#text').pressSequentially(text, { delay: 5 });
    await page.waitForFunction(
      ([label, text]) => {
        const tokens = [...document.querySelectorAll('[role=rowheader]')].map(({ textContent }) => textContent);
        return document.querySelector('#label')?.textContent === label && tokens.slice(1, -1).join('') === text;
      },
      [label, text.replaceAll(' ', '')],
      { timeout: 20_000 },
    );
  }

  /** What the map shows: (seq, seq). */
  const readMap = (page: Page) =>
    page.$$eval('[role=row]', (rows) =>
      rows
        .slice(1)
        .map((row) => [...row.querySelectorAll<HTMLElement>('[role=gridcell]')].map((c) => Number(c.dataset.value))),
    );

  demo('sentiment turns as one types, with the answer of Node', () =>
    visit({}, async (page) => {
      assert.ok(await page.evaluate(() => crossOriginIsolated));
      // A style of each style sheet.
      const shown = await page.evaluate(() =>
        ['.choices', '.scale'].map((selector) => getComputedStyle(document.querySelector(selector) as Element).display),
      );
      assert.equal(shown, ['flex', 'flex']);
      await type(page, 'The acting is good, but the story is a mess.', 'Negative');
      await page.waitForTimeout(300);
      await page.screenshot({
        path: `${SHOTS}/light.png`,
        fullPage: true,
        clip: { x: 0, y: 0, width: 1000, height: 1480 },
      });
      const text = 'The story is a mess, but the acting is good.';
      await type(page, text, 'Positive');
      await using classify = await pipeline('sentiment-analysis', `${ROOT}/demo/models/albert-mini-en-sst2`);
      const [best] = await classify(text);
      const percentage = Number.parseFloat((await page.textContent('#score')) ?? '');
      assert.ok(Math.abs(percentage - best!.score * 100) < 2, `${percentage} % in the page, ${best?.score} in Node`);
      // The announcement waits until typing has paused.
      await page.waitForFunction(() => document.querySelector('#announcement')?.textContent?.startsWith('Positive'));
      await page.fill('#text', ' ');
      await page.waitForSelector('#label', { state: 'hidden' });
      await page.click('.examples button:first-child');
      await page.waitForFunction(() => document.querySelector('#label')?.textContent === 'Negative');
      const figures = await page.textContent('#figures');
      for (const figure of [/tokens per second/, /relaxed-simd|simd/, /Threads[2-9]/, /int8/, /Web Worker/]) {
        assert.match(figures ?? '', figure);
      }
    }),
  );

  demo('attention: a row for each token that adds up to 1, by layer and head, read by keyboard', () =>
    visit({}, async (page) => {
      await type(page, 'She liked the quiet film.', 'Positive');
      const checkpoint = `${ROOT}/demo/models/albert-mini-en-sst2`;
      const tokenizer = await AlbertTokenizer.from_pretrained(checkpoint);
      await using model = await AlbertForSequenceClassification.from_pretrained(checkpoint);
      const { input_ids } = tokenizer.encode('She liked the quiet film.');
      const { attentions } = await model.forward({ input_ids }, { output_attentions: true });
      const seen = new Set<string>();
      for (const [layer, head] of [
        ['2', '1'],
        ['2', '6'],
        ['8', 'all'],
        ['1', '8'],
      ] as const) {
        await page.check(`[name=layers][value="${layer}"]`, { force: true });
        await page.check(`[name=heads][value="${head}"]`, { force: true });
        const map = await readMap(page);
        assert.is(map.length, 8, 'six tokens between [CLS] and [SEP]');
        for (const row of map) {
          assert.is(row.length, 8);
          const sum = row.reduce((all, value) => all + value, 0);
          assert.ok(Math.abs(sum - 1) < 1e-5, `${sum}`);
        }
        seen.add(JSON.stringify(map));
        if (head === 'all') continue;
        const { data } = attentions![Number(layer) - 1]!;
        map.flat().forEach((value, i) => {
          const wanted = data[(Number(head) - 1) * 64 + i] as number;
          // int8 with relaxed SIMD is less exact than with plain SIMD, which Node 20 has.
          assert.ok(Math.abs(value - wanted) < 0.1, `${value} in the page, ${wanted} in Node, at ${i}`);
        });
      }
      assert.is(seen.size, 4);
      await page.focus('[name=layers]:checked');
      await page.keyboard.press('ArrowRight');
      assert.is(await page.inputValue('[name=layers]:checked'), '2');
      await page.check('[name=heads][value="1"]', { force: true });
      // From the last choice of a head, Tab reaches the map's one stop; arrows move in it.
      await page.focus('[name=heads]:checked');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Home');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowRight');
      const map = await readMap(page);
      const readout = await page.textContent('#readout');
      assert.is(readout, `“liked” attends to “She”: ${((map[2]?.[1] as number) * 100).toFixed(1)} %`);
      assert.is(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), readout);
      await page.hover('[data-row="5"][data-column="4"]');
      assert.match((await page.textContent('#readout')) ?? '', /^“film” attends to “quiet”: /);
      await page
        .locator('section')
        .nth(1)
        .screenshot({ path: `${SHOTS}/attention.png` });
    }),
  );

  demo(
    'missing word: the model comes when it is asked for; words are hidden and filled in by keyboard, offline too',
    () =>
      visit({}, async (page) => {
        const weights = () =>
          page.evaluate(
            () => performance.getEntriesByType('resource').filter(({ name }) => /safetensors/.test(name)).length,
          );
        assert.is(await weights(), 1);
        await page.focus('#suggest');
        await page.keyboard.press('Enter');
        await page.waitForSelector('#mask-loading progress');
        await page.waitForSelector('#suggestions button', { timeout: 60_000 });
        assert.is(await weights(), 2);
        await page
          .locator('section')
          .nth(2)
          .screenshot({ path: `${SHOTS}/mask.png` });
        const first = (await page.textContent('#suggestions .word')) as string;
        await page.focus('#suggestions button');
        await page.keyboard.press('Enter');
        assert.is(await page.inputValue('#masked'), `She opened the door and walked into the ${first}.`);
        await page.waitForSelector('#suggestions p');
        await page.context().setOffline(true);
        await page.click('#words button:has-text("opened")');
        assert.is(await page.inputValue('#masked'), `She [MASK] the door and walked into the ${first}.`);
        await page.waitForSelector('#suggestions button');
        const words = await page.$$eval('#suggestions .word', (all) => all.map(({ textContent }) => textContent));
        assert.is(words.length, 6);
        assert.ok(words.includes('opened') || words.includes('closed'), words.join(', '));
        await type(page, 'It was dreadful.', 'Negative');
        await page.fill('#masked', '[MASK] and [MASK]');
        await page.waitForFunction(() => document.querySelectorAll('#suggestions ol').length === 2);
      }),
  );

  demo('what was downloaded: every file, with the bytes that it has', () =>
    visit({}, async (page) => {
      await page.waitForSelector('#downloads tr', { state: 'attached' });
      await page.click('summary');
      const rows = await page.$$eval('#downloads tr', (all) =>
        all.map((row) => [...row.children].map(({ textContent }) => textContent ?? '')),
      );
      const bytes = (name: RegExp) => Number(rows.find(([file]) => name.test(file ?? ''))?.[2]?.replaceAll(',', ''));
      const weights = bytes(/model\.safetensors/);
      assert.ok(weights > 5e6 && weights < 7e6, `${weights} bytes of int8, 11 MB of float16`);
      for (const file of [
        /\.wasm$/,
        /^index\.js$/,
        /^entry\.js$/,
        /^index\.css$/,
        /^index\.html$/,
        /^tokenizer\.json$/,
      ]) {
        assert.ok(bytes(file) > 1000, `${file}: ${bytes(file)}`);
      }
    }),
  );

  demo('narrow, dark and still: nothing runs over, everything can be read', async () => {
    let cases = 0;
    for (const colorScheme of ['light', 'dark'] as const) {
      const options = { colorScheme, viewport: { width: 360, height: 740 }, reducedMotion: 'reduce' } as const;
      await visit(options, async (page) => {
        await type(
          page,
          'The story is a mess, but the acting is good and the music, the light and the end are fine.',
          'Positive',
        );
        await page.click('#suggest');
        await page.waitForSelector('#suggestions button', { timeout: 60_000 });
        await page.click('summary');
        assert.is(await page.evaluate(() => document.documentElement.scrollWidth), 360);
        assert.is(
          await page.evaluate(() => getComputedStyle(document.querySelector('.marker')!).transitionDuration),
          '0s',
        );
        await page.evaluate(() => scrollTo(0, 0));
        await page.screenshot({ path: `${SHOTS}/360-${colorScheme}.png` });
        const contrasts = await page.evaluate(readContrasts);
        for (const { text, ratio } of contrasts)
          assert.ok(ratio >= 4.5, `${colorScheme}: “${text}” has a contrast of ${ratio}`);
        cases += contrasts.length;
      });
    }
    await visit({ colorScheme: 'dark' }, async (page) => {
      await page.screenshot({ path: `${SHOTS}/dark.png` });
    });
    stateCases(cases, 100);
  });

  demo('every control has a name, a place in the order of Tab and a ring', () =>
    visit({}, async (page) => {
      assert.is(await page.getAttribute('html', 'lang'), 'en');
      assert.equal(await page.$$eval('h1, h2', (all) => all.map(({ tagName }) => tagName)), [
        'H1',
        'H2',
        'H2',
        'H2',
        'H2',
        'H2',
      ]);
      assert.is(await page.locator('[role=status]').count(), 4);
      const names: string[] = [];
      for (let stop = 0; stop < 60; stop++) {
        await page.keyboard.press('Tab');
        const [name, ring] = await page.evaluate(() => {
          const at = document.activeElement as HTMLElement;
          if (at === document.body) return ['', ''];
          const labels = (at as HTMLInputElement).labels;
          const ringed = at.matches('[type=radio]')
            ? at.nextElementSibling!
            : at.matches('[type=file]')
              ? at.parentElement!
              : at;
          const own = at.getAttribute('aria-label') ?? (labels?.length ? labels[0]!.textContent : at.textContent);
          return [own?.trim() ?? '', getComputedStyle(ringed).outlineStyle];
        });
        if (name === '' && ring === '') break;
        assert.is.not(name, '', `stop ${stop} has no name`);
        assert.is(ring, 'solid', `${name} shows no ring`);
        names.push(name);
      }
      for (const wanted of [
        'Write a sentence in English',
        '2',
        '1',
        'Hide “door”',
        'Add a label',
        'Open a CSV file',
        'Train',
        'Remove the label delivery',
        /^Suggest words/,
        /^Downloaded/,
        /attends to/,
      ]) {
        assert.ok(
          names.some((name) => (wanted instanceof RegExp ? wanted.test(name) : name === wanted)),
          `${wanted}`,
        );
      }
    }),
  );

  demo('a model that cannot be had: the page says so', async () => {
    const page = await surroundings().browser.newPage();
    try {
      await page.route(/safetensors/, (route) => route.fulfill({ status: 404 }));
      await page.goto(served.url);
      await page.waitForSelector('[role=alert]:not([hidden])', { timeout: 20_000 });
      assert.match((await page.textContent('[role=alert]')) ?? '', /model\.safetensors/);
    } finally {
      await page.close();
    }
  });
});
