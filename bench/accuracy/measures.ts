/** What int8 costs: each measure answers for float32 and for int8 on one build of the kernels, and says what is allowed. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pipeline } from '../../src/entry/index.js';
import type { Dtype } from '../../src/ground/dtypes.js';
import { AlbertModel } from '../../src/model/models.js';
import type { InitOptions } from '../../src/model/options.js';
import { formulaFiles, readFixture } from '../../test/support/fixtures.js';
import { percent } from '../format.js';
import { uniform } from '../numbers.js';
import { sst2Missing, sst2Sentences } from '../sst2.js';
import { nmse } from '../statistics.js';

export interface Outcome {
  readonly float32: string;
  readonly int8: string;
  /** int8's cost, as it is compared with the target. */
  readonly cost: string;
  readonly met: boolean;
}

export interface Measure {
  readonly name: string;
  readonly target: string;
  /** Why it cannot be measured here. */
  readonly missing?: string;
  /** @param limit the most sentences; default: all */
  measure(wasmUrl: URL, limit?: number): Promise<Outcome>;
}

const sst2: Measure = {
  name: 'sst2: right answers, albert-mini-en-sst2 on half of its development set',
  target: 'at most 0.5 points below float32',
  ...(sst2Missing !== undefined && { missing: sst2Missing }),
  async measure(wasmUrl, limit) {
    const sentences = sst2Sentences(limit);
    const right = async (dtype: Dtype) => {
      await using classify = await pipeline('sentiment-analysis', undefined, { wasmUrl, dtype });
      let count = 0;
      for (const { text, label } of sentences) {
        const [best] = await classify(text);
        count += Number((best?.label === 'POSITIVE') === (label === 1));
      }
      return count;
    };
    const [float32, int8] = [await right('float32'), await right('int8')];
    const points = (100 * (int8 - float32)) / sentences.length;
    const share = (count: number) => `${count} of ${sentences.length} (${percent(count / sentences.length, 1)})`;
    return {
      float32: share(float32),
      int8: share(int8),
      cost: `${points > 0 ? '+' : ''}${points.toFixed(1)} points`,
      met: points >= -0.5,
    };
  },
};

/** The sentences, in each one word, drawn by a seed, masked. */
export function maskedSentences(limit?: number): string[] {
  const lines = readFileSync(new URL('sentences.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const draws = uniform(lines.length, 7, 0, 1);
  return lines.slice(0, limit).map((line, i) => {
    const words = [...line.matchAll(/[A-Za-z]+/g)];
    const { 0: word, index } = words[Math.floor((draws[i] as number) * words.length)] as RegExpExecArray;
    return `${line.slice(0, index)}[MASK]${line.slice(index + word.length)}`;
  });
}

const fillMask: Measure = {
  name: "fill-mask: float32's best word, albert-mini-en on our own sentences with one word masked",
  target: 'at least 97 % the same',
  async measure(wasmUrl, limit) {
    const sentences = maskedSentences(limit);
    const words = async (dtype: Dtype) => {
      await using fill = await pipeline('fill-mask', undefined, { wasmUrl, dtype });
      return (await fill(sentences, { top_k: 1 })).map(([mask]) => mask?.[0]?.token);
    };
    const [float32, int8] = [await words('float32'), await words('int8')];
    const same = int8.filter((token, i) => token === float32[i]).length;
    return {
      float32: `${sentences.length} words`,
      int8: `${same} the same`,
      cost: percent(same / sentences.length, 1),
      met: same >= 0.97 * sentences.length,
    };
  },
};

/** The most that int8 may cost of the last hidden state's energy, by the bits of its activations. */
const MAX_NMSE = { 7: 5e-4, 8: 4e-4, 13: 5e-4 } as const;

const hiddenState: Measure = {
  name: 'nmse of base_v2: error of the last hidden state by energy, fixture of ALBERT-base, against float64',
  target: `at most ${MAX_NMSE[7]}; with activations of 8 bits, ${MAX_NMSE[8]}`,
  async measure(wasmUrl) {
    const fixture = readFixture('base_v2/model');
    const files = await formulaFiles(fixture);
    const exact = fixture.expected.get('f64.last_hidden_state')?.data as Float64Array;
    const run = async (options: InitOptions) => {
      await using model = await AlbertModel.from_pretrained(files, options);
      const { last_hidden_state } = await model.forward(fixture.inputs);
      return { error: nmse(last_hidden_state.data, exact), bits: model.info().activationBits ?? 13 };
    };
    const [float32, int8] = [await run({ wasmUrl }), await run({ wasmUrl, dtype: 'int8' })];
    const figure = int8.error.toExponential(2);
    return {
      float32: float32.error.toExponential(2),
      int8: figure,
      cost: figure,
      met: int8.error <= MAX_NMSE[int8.bits],
    };
  },
};

/** What 0.1.0 had with activations of 7 bits, on albert-mini-en-sst2. */
const MAX_TRAINED_NMSE = 9.2e-4;

/** The last hidden states of all sentences, one after the other. */
async function hiddenStates(directory: URL, sentences: readonly string[], options: InitOptions): Promise<Float32Array> {
  await using extract = await pipeline('feature-extraction', fileURLToPath(directory), options);
  const states = await extract(sentences, { pooling: 'none' });
  return Float32Array.from(states.flatMap(({ data }) => [...data]));
}

const trained = (name: string): Measure => ({
  name: `nmse of ${name}: error of the last hidden state by energy, our own sentences, against float32`,
  target: `at most ${MAX_TRAINED_NMSE}`,
  async measure(wasmUrl, limit) {
    const sentences = maskedSentences(limit);
    const directory = new URL(`../../models/${name}/`, import.meta.url);
    const float32 = await hiddenStates(directory, sentences, { wasmUrl });
    const error = nmse(await hiddenStates(directory, sentences, { wasmUrl, dtype: 'int8' }), float32);
    const figure = error.toExponential(2);
    return { float32: `${sentences.length} sentences`, int8: figure, cost: figure, met: error <= MAX_TRAINED_NMSE };
  },
});

export const MEASURES: readonly Measure[] = [
  sst2,
  fillMask,
  hiddenState,
  trained('albert-mini-en-sst2'),
  trained('albert-mini-en'),
];
