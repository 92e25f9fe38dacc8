/** The demo's section that teaches, in headless Chromium: by pointer and keyboard, from examples to a model that is downloaded and loaded again. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { BrowserContextOptions, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { browserSuite } from './chromium.js';
import { DemoPage, SHOTS } from './demo-page.js';

/** Two subjects, twenty texts each, and five of each that the model does not learn from. */
const LESSONS = {
  weather: [
    'It will rain in the north tomorrow.',
    'Snow fell on the mountains all night.',
    'A cold wind blew from the sea.',
    'The sun came out after the storm.',
    'Clouds and fog are expected in the morning.',
    'The summer was hot and dry.',
    'Thunder was heard in the valley.',
    'There is ice on the lake in winter.',
    'Temperatures will fall below zero.',
    'A warm breeze came from the south.',
    'The flood followed three days of rain.',
    'Hail damaged the roofs of the village.',
    'It was a mild and cloudy spring.',
    'The hurricane reached the coast at noon.',
    'Mist covered the hills at dawn.',
    'The drought lasted for two years.',
    'Lightning struck the old tower.',
    'The sky was clear and blue.',
    'Frost killed the flowers last night.',
    'Strong winds are expected on the coast.',
  ],
  food: [
    'She baked bread with butter and salt.',
    'The soup needs more onions and pepper.',
    'We ate roast chicken with potatoes.',
    'He drank a cup of tea with milk.',
    'The cake was made of apples and sugar.',
    'The cook cut the carrots and the beans.',
    'Fresh fish is served with lemon.',
    'They ordered pasta and a glass of wine.',
    'Breakfast was eggs, ham and toast.',
    'The cheese is made from the milk of goats.',
    'She put honey in her porridge.',
    'The restaurant is known for its beef.',
    'He fried the onions in olive oil.',
    'Children like sweets and ice cream.',
    'The recipe asks for flour and four eggs.',
    'Dinner was rice with vegetables.',
    'Boil the potatoes for twenty minutes.',
    'The sauce tastes of garlic and tomatoes.',
    'We had coffee and chocolate after lunch.',
    'The baker sells rolls and pies.',
  ],
} as const;
const UNSEEN = [
  ['Heavy rain and wind are coming tonight.', 'weather'],
  ['The storm brought snow and ice.', 'weather'],
  ['A warm and sunny afternoon.', 'weather'],
  ['It was foggy and cold at night.', 'weather'],
  ['The rain stopped and the clouds went away.', 'weather'],
  ['They cooked rice with meat and beans.', 'food'],
  ['I would like bread and cheese.', 'food'],
  ['Put salt and pepper on the chicken.', 'food'],
  ['He drank milk and ate an apple.', 'food'],
  ['The pie is sweet and has too much butter.', 'food'],
] as const;

browserSuite('teach', (teach, surroundings) => {
  let served: DemoPage;

  teach.before(async () => {
    mkdirSync(SHOTS, { recursive: true });
    served = await DemoPage.serve();
  });

  teach.after(() => served.close());

  const visit = (options: BrowserContextOptions, work: (page: Page) => Promise<void>) =>
    served.visit(surroundings().browser, options, work);

  /** Fills the fields. */
  async function write(page: Page, lessons: Readonly<Record<string, readonly string[]>>): Promise<void> {
    for (const [i, [label, texts]] of Object.entries(lessons).entries()) {
      await page.locator('#labels input').nth(i).fill(label);
      await page.locator('#labels textarea').nth(i).fill(texts.join('\n'));
    }
  }

  async function read(page: Page, text: string): Promise<string> {
    await page.fill('#try-text', '');
    await page.waitForFunction(() => document.querySelector('#try-scores')?.childElementCount === 0);
    await page.fill('#try-text', text);
    await page.waitForSelector('#try-scores .word', { timeout: 60_000 });
    return (await page.locator('#try-scores .word').first().textContent()) ?? '';
  }

  teach('two labels are learned in a worker; the model is right on unseen texts, downloaded, and loaded again', () =>
    visit({}, async (page) => {
      await write(page, LESSONS);
      const began = performance.now();
      await page.click('#train');
      await page.waitForSelector('#learning:not([hidden])', { timeout: 120_000 });
      // The page goes on while the worker computes.
      await page.fill('#text', 'A dull film.');
      await page.waitForSelector('#try:not([hidden])', { timeout: 400_000 });
      assert.match((await page.textContent('#learning-caption')) ?? '', /^Step (\d+) of \1/);
      assert.match((await page.textContent('#curve-caption')) ?? '', /Loss .*right on your examples/);
      const learned = performance.now() - began;
      let right = 0;
      for (const [text, label] of UNSEEN) right += Number((await read(page, text)) === label);
      console.log(
        `\n40 examples were learned in ${(learned / 1000).toFixed(1)} s; ${right} of ${UNSEEN.length} are right`,
      );
      assert.ok(right >= UNSEEN.length - 1, `${right} of ${UNSEEN.length}`);
      await page.locator('#teach').screenshot({ path: `${SHOTS}/teach.png` });

      const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
      assert.is(download.suggestedFilename(), 'taught-albert.zip');
      const archive = `${tmpdir()}/taught-${process.pid}.zip`;
      await download.saveAs(archive);
      assert.ok(readFileSync(archive).length > 20e6);
      const before = await page.textContent('#try-scores');
      await page.reload();
      await page.waitForSelector('#figures dd', { timeout: 120_000 });
      await page.setInputFiles('#taught', archive);
      await page.waitForSelector('#try:not([hidden])', { timeout: 60_000 });
      await read(page, UNSEEN.at(-1)![0]);
      assert.is(await page.textContent('#try-scores'), before);
    }),
  );

  teach('by keyboard, and stopped: nothing has changed, and it can begin again', () =>
    visit({ viewport: { width: 360, height: 740 } }, async (page) => {
      await page.locator('#add-label').focus();
      await page.keyboard.press('Enter');
      await page.keyboard.type('complaint');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.type('This is broken.');
      await page.locator('#train').focus();
      await page.keyboard.press('Enter');
      await page.waitForSelector('#learning:not([hidden])', { timeout: 120_000 });
      assert.is(await page.evaluate(() => document.activeElement?.id), 'stop');
      assert.is(await page.evaluate(() => document.documentElement.scrollWidth), 360);
      await page.locator('#teach').screenshot({ path: `${SHOTS}/teach-360.png` });
      await page.keyboard.press('Enter');
      await page.waitForSelector('#train:not([hidden])', { timeout: 20_000 });
      assert.match((await page.textContent('#learning-caption')) ?? '', /^Stopped/);
      assert.ok(await page.isHidden('#try'));
    }),
  );

  teach('a CSV file fills the fields; what is missing or no model is said', () =>
    visit({}, async (page) => {
      const csv = 'text,label\n"Rain, again",weather\nSoup,food\n<img src=x onerror=alert(1)>,food\n';
      await page.setInputFiles('#csv', { name: 'lessons.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
      await page.waitForFunction(() => document.querySelector('#csv-note')?.textContent?.includes('3 examples'));
      assert.equal(
        await page.locator('#labels input').evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value)),
        ['weather', 'food'],
      );
      assert.is(await page.locator('#labels textarea').nth(1).inputValue(), 'Soup\n<img src=x onerror=alert(1)>');
      await page.locator('#labels textarea').nth(0).fill('');
      await page.click('#train');
      assert.match((await page.textContent('#failure')) ?? '', /“weather” has no examples/);
      await page.setInputFiles('#csv', { name: 'bad.csv', mimeType: 'text/csv', buffer: Buffer.from('text\nRain\n') });
      await page.waitForFunction(() => /label/.test(document.querySelector('#failure')?.textContent ?? ''));
      const many = `text,label\n${Array.from({ length: 13 }, (_, i) => `text,label ${i}`).join('\n')}`;
      await page.setInputFiles('#csv', { name: 'many.csv', mimeType: 'text/csv', buffer: Buffer.from(many) });
      await page.waitForFunction(() => /13 labels/.test(document.querySelector('#failure')?.textContent ?? ''));
      writeFileSync(`${tmpdir()}/no-model.zip`, 'PK no');
      await page.setInputFiles('#taught', `${tmpdir()}/no-model.zip`);
      await page.waitForFunction(() => /not a model/.test(document.querySelector('#failure')?.textContent ?? ''));
    }),
  );
});
