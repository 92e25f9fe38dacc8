/** Metrics against values that were worked out by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { accuracy, macroF1, multiLabelScores } from '../../../src/training/metrics/classification.js';
import { meanSquaredError, pearson, spearman } from '../../../src/training/metrics/correlation.js';
import { entityScores } from '../../../src/training/metrics/entities.js';
import { answerScores, normalizeAnswer } from '../../../src/training/metrics/squad.js';

const test = suite('metrics');

const near = (got: number, wanted: number) => assert.ok(Math.abs(got - wanted) < 1e-12, `${got} is not ${wanted}`);

test('accuracy and macro F1', () => {
  // Class a: 2 of 3 predicted right, 2 of 2 found: F1 4/5. Class b: 1 of 1, 1 of 2: 2/3. Class c is predicted only: 0. Class d: 0.
  const predictions = ['a', 'a', 'a', 'b', 'c'];
  const references = ['a', 'a', 'b', 'b', 'd'];
  near(accuracy(predictions, references), 3 / 5);
  near(macroF1(predictions, references), (4 / 5 + 2 / 3 + 0 + 0) / 4);
  near(macroF1(references, references), 1);
  // However many classes, each value is read a few times.
  let reads = 0;
  const counted = (values: number[]) =>
    new Proxy(values, {
      get(target, key) {
        reads++;
        return Reflect.get(target, key);
      },
    });
  const [half, all] = [250, 500].map((count) => Array.from({ length: count }, (_, i) => i)) as [number[], number[]];
  near(macroF1(counted([...half, ...half]), counted(all)), 1 / 3);
  assert.ok(reads < 5000, `${reads}`);
  near(accuracy([], []), 0);
  near(macroF1([], []), 0);
});

test('scores of several classes at once', () => {
  const predictions = [
    [1, 0, 1],
    [0, 1, 0],
    [1, 1, 0],
  ];
  const references = [
    [1, 0, 1],
    [0, 1, 1],
    [0, 1, 0],
  ];
  // Class 0: 1 of 2 right, 1 of 1 found: 2/3; class 1: 1; class 2: 1 of 1, 1 of 2: 2/3. In all 4 of 5 right, 4 of 5 found.
  const { accuracy: exact, f1, f1_micro } = multiLabelScores(predictions, references);
  near(exact, 1 / 3);
  near(f1, (2 / 3 + 1 + 2 / 3) / 3);
  near(f1_micro, 4 / 5);
});

test('entities count as a whole, with their type', () => {
  const references = [
    ['B-PER', 'I-PER', 'O', 'B-LOC'],
    ['B-ORG', 'O'],
  ];
  // Found: PER as it is, LOC as ORG, and ORG one word too long. 1 of 3 right, 1 of 3 found.
  const predictions = [
    ['B-PER', 'I-PER', 'O', 'B-ORG'],
    ['B-ORG', 'I-ORG'],
  ];
  const { precision, recall, f1, accuracy: words } = entityScores(predictions, references);
  near(precision, 1 / 3);
  near(recall, 1 / 3);
  near(f1, 1 / 3);
  near(words, 4 / 6);
});

/** How many entities tags have: recall of a prediction with none, and of itself. */
const countOf = (tags: string[]) => {
  // One more entity, which is found, in a sentence of its own: recall is 1 / (1 + count).
  const { recall } = entityScores([tags.map(() => 'O'), ['B-X']], [tags, ['B-X']]);
  return Math.round(1 / recall) - 1;
};

test('an entity begins and ends as in seqeval', () => {
  assert.is(countOf(['B-PER', 'B-PER']), 2);
  assert.is(countOf(['B-PER', 'I-PER']), 1);
  assert.is(countOf(['I-PER', 'I-PER']), 1);
  assert.is(countOf(['O', 'I-PER', 'O', 'I-PER']), 2);
  assert.is(countOf(['B-PER', 'I-LOC']), 2);
  assert.is(countOf(['I-PER', 'B-PER']), 2);
  assert.is(countOf(['S-PER', 'S-PER']), 2);
  assert.is(countOf(['B-PER', 'E-PER', 'I-PER']), 2);
  assert.is(countOf(['B', 'I', 'O', 'B']), 2);
  assert.is(countOf(['O', 'O']), 0);
  // An entity that the sentence's end cuts does not go on in the next sentence.
  near(entityScores([['B-PER'], ['I-PER']], [['B-PER'], ['I-PER']]).recall, 1);
  near(entityScores([['O'], ['O']], [['B-PER'], ['I-PER']]).recall, 0);
});

test('no entity at all: zeros, no NaN', () => {
  const { precision, recall, f1, accuracy: words } = entityScores([['O']], [['O']]);
  assert.equal([precision, recall, f1, words], [0, 0, 0, 1]);
});

test("SQuAD's normalisation", () => {
  assert.is(normalizeAnswer('The  Cat, an "animal" (a)!'), 'cat animal');
  assert.is(normalizeAnswer('Theatre and A-team'), 'theatre and ateam');
  assert.is(normalizeAnswer('the\nThe a'), '');
  assert.is(normalizeAnswer('à la carte'), 'à la carte');
});

test('exact match and F1 of answers', () => {
  const scores = answerScores(
    ['the big dog', 'in 1999', '', 'something'],
    [['a dog', 'big dog'], ['1999', 'the year 1998'], [], []],
  );
  // F1: 1; words in, 1999 with 1999: precision 1/2, recall 1: 2/3; no answer wanted, none given: 1; one given: 0.
  near(scores.exact_match, (1 + 0 + 1 + 0) / 4);
  near(scores.f1, (1 + 2 / 3 + 1 + 0) / 4);
  // A word counts as often as both have it.
  near(answerScores(['dog dog dog'], [['dog cat']]).f1, (2 * (1 / 3) * (1 / 2)) / (1 / 3 + 1 / 2));
});

test('Pearson and Spearman', () => {
  // Deviations (-1.5, -.5, .5, 1.5) and (-2, 0, -1, 3): 7 / sqrt(5 · 14).
  near(pearson([1, 2, 3, 4], [1, 3, 2, 6]), 7 / Math.sqrt(70));
  // Ranks 1 2 3 4 and 1 3 2 4: 1 - 6 · 2 / (4 · 15).
  near(spearman([1, 2, 3, 4], [1, 3, 2, 6]), 0.8);
  // Ties have the mean of their ranks: 1, 2.5, 2.5, 4 with 1, 2, 3, 4: 4.5 / sqrt(4.5 · 5).
  near(spearman([10, 20, 20, 30], [1, 2, 3, 4]), 4.5 / Math.sqrt(4.5 * 5));
  near(spearman([3, 1, 2], [1, 3, 2]), -1);
  near(pearson([1, 1, 1], [1, 2, 3]), 0);
  near(meanSquaredError([1, 2], [3, 2]), 2);
});

test.run();
