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
  /** Of the int8 model. */
  readonly activationBits: number;
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
      return { count, ...classify.model.info() };
    };
    const [{ count: float32 }, { count: int8, activationBits = 0 }] = [await right('float32'), await right('int8')];
    const points = (100 * (int8 - float32)) / sentences.length;
    const share = (count: number) => `${count} of ${sentences.length} (${percent(count / sentences.length, 1)})`;
    return {
      activationBits,
      float32: share(float32),
      int8: share(int8),
      cost: `${points > 0 ? '+' : ''}${points.toFixed(1)} points`,
      met: points >= -0.5,
    };
  },
};

function ownSentences(): string[] {
  return readFileSync(new URL('sentences.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
}

/** The sentences, in each one word, drawn by a seed, masked. */
export function maskedSentences(limit?: number): string[] {
  const lines = ownSentences();
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
      const best = (await fill(sentences, { top_k: 1 })).map(([mask]) => mask?.[0]?.token);
      return { best, ...fill.model.info() };
    };
    const [float32, int8] = [await words('float32'), await words('int8')];
    const same = int8.best.filter((token, i) => token === float32.best[i]).length;
    return {
      activationBits: int8.activationBits ?? 0,
      float32: `${sentences.length} words`,
      int8: `${same} the same`,
      cost: percent(same / sentences.length, 1),
      met: same >= 0.97 * sentences.length,
    };
  },
};

/** The most that int8 may cost of the last hidden state's energy, by the bits of its activations. */
type MaxNmse = Readonly<Record<7 | 8 | 13, number>>;
const MAX_NMSE: MaxNmse = { 7: 5e-4, 8: 4e-4, 13: 5e-4 };
/** Of trained models: with 7 bits, 0.1.0 had 9.6e-4 on the masked sentences. */
const MAX_TRAINED_NMSE: MaxNmse = { 7: 9.7e-4, 8: 9.7e-4, 13: 3e-4 };

function targetOf(most: MaxNmse): string {
  return `at most ${([7, 8, 13] as const).map((bits) => `${most[bits].toExponential()} (${bits} bits)`).join(', ')}`;
}

const hiddenState: Measure = {
  name: 'nmse of base_v2: error of the last hidden state by energy, fixture of ALBERT-base, against float64',
  target: targetOf(MAX_NMSE),
  async measure(wasmUrl) {
    const fixture = readFixture('base_v2/model');
    const files = await formulaFiles(fixture);
    const exact = fixture.expected.get('f64.last_hidden_state')?.data as Float64Array;
    const run = async (options: InitOptions) => {
      await using model = await AlbertModel.from_pretrained(files, options);
      const { last_hidden_state } = await model.forward(fixture.inputs);
      return { error: nmse(last_hidden_state.data, exact), activationBits: model.info().activationBits ?? 13 };
    };
    const [float32, int8] = [await run({ wasmUrl }), await run({ wasmUrl, dtype: 'int8' })];
    const figure = int8.error.toExponential(2);
    return {
      activationBits: int8.activationBits,
      float32: float32.error.toExponential(2),
      int8: figure,
      cost: figure,
      met: int8.error <= MAX_NMSE[int8.activationBits],
    };
  },
};

/** The last hidden states of all sentences, one after the other. */
async function hiddenStates(directory: URL, sentences: readonly string[], options: InitOptions) {
  await using extract = await pipeline('feature-extraction', fileURLToPath(directory), options);
  const states = await extract(sentences, { pooling: 'none' });
  const { activationBits = 13 } = extract.model.info();
  return { data: Float32Array.from(states.flatMap(({ data }) => [...data])), activationBits };
}

/** @param sentencesOf what the model was trained for: whole sentences, or with a masked word */
const trained = (name: string, what: string, sentencesOf: (limit?: number) => string[]): Measure => ({
  name: `nmse of ${name}: error of the last hidden state by energy, ${what}, against float32`,
  target: targetOf(MAX_TRAINED_NMSE),
  async measure(wasmUrl, limit) {
    const sentences = sentencesOf(limit);
    const directory = new URL(`../../models/${name}/`, import.meta.url);
    const float32 = await hiddenStates(directory, sentences, { wasmUrl });
    const { data, activationBits } = await hiddenStates(directory, sentences, { wasmUrl, dtype: 'int8' });
    const error = nmse(data, float32.data);
    const figure = error.toExponential(2);
    return {
      activationBits,
      float32: `${sentences.length} sentences`,
      int8: figure,
      cost: figure,
      met: error <= MAX_TRAINED_NMSE[activationBits],
    };
  },
});

export const MEASURES: readonly Measure[] = [
  sst2,
  fillMask,
  hiddenState,
  trained('albert-mini-en-sst2', 'our own sentences', (limit) => ownSentences().slice(0, limit)),
  trained('albert-mini-en', 'our own sentences with one word masked', maskedSentences),
];
