/** From label probabilities to entities: expectations worked out by hand from Hugging Face's documented strategies. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { groupEntities, labelTokens, labelWords, type ScoredToken } from '../../src/pipelines/aggregation.js';

const aggregation = suite('aggregation');

const LABELS = ['O', 'B-ENT', 'I-ENT', 'B-NAME', 'I-NAME'];
const id2label: Record<string, string> = Object.fromEntries(LABELS.entries());

/** A token of which the model believes `label` with `score`, and `O` with the rest. */
function token(label: string, score: number, start: number, end: number, startsWord = true): ScoredToken {
  const scores = new Float64Array(LABELS.length);
  scores[0] = 1 - score;
  scores[LABELS.indexOf(label)] = score;
  return { scores, index: start + 1, start, end, startsWord };
}

/** The example of Hugging Face's documentation: micro|soft com|pany, which "first" makes microsoft company. */
const MICROSOFT = [
  token('B-ENT', 0.75, 0, 5),
  token('I-NAME', 0.875, 5, 9, false),
  token('I-ENT', 0.625, 10, 13),
  token('I-ENT', 0.75, 13, 17, false),
];

aggregation('each token has its likeliest label; of equal ones the first', () => {
  assert.equal(labelTokens(MICROSOFT.slice(0, 2), id2label), [
    { entity: 'B-ENT', score: 0.75, index: 1, start: 0, end: 5 },
    { entity: 'I-NAME', score: 0.875, index: 6, start: 5, end: 9 },
  ]);
  assert.is(labelTokens([token('I-ENT', 0.5, 0, 1)], id2label)[0]?.entity, 'O');
  assert.equal(labelTokens([], id2label), []);
});

aggregation('simple: neighbours of one label, whatever words they are of', () => {
  assert.equal(groupEntities(labelTokens(MICROSOFT, id2label)), [
    { entity_group: 'ENT', score: 0.75, start: 0, end: 5 },
    { entity_group: 'NAME', score: 0.875, start: 5, end: 9 },
    { entity_group: 'ENT', score: 0.6875, start: 10, end: 17 },
  ]);
});

aggregation('simple: B- begins a group, I- and no prefix go on, a change of label begins one', () => {
  const entity = (label: string, start: number) => ({ entity: label, score: 1, start, end: start + 1 });
  const groups = (...labels: string[]) =>
    groupEntities(labels.map(entity)).map(({ entity_group, start, end }) => `${entity_group} ${start}-${end}`);
  // The example of the documentation: (A, B-TAG), (B, I-TAG), (C, I-TAG), (D, B-TAG2), (E, B-TAG2).
  assert.equal(groups('B-TAG', 'I-TAG', 'I-TAG', 'B-TAG2', 'B-TAG2'), ['TAG 0-3', 'TAG2 3-4', 'TAG2 4-5']);
  assert.equal(groups('I-TAG', 'I-TAG', 'I-TAG2', 'B-TAG2', 'I-TAG'), ['TAG 0-2', 'TAG2 2-3', 'TAG2 3-4', 'TAG 4-5']);
  assert.equal(groups('O', 'O', 'TAG', 'TAG', 'O'), ['O 0-2', 'TAG 2-4', 'O 4-5']);
  assert.equal(groups('B-A-B', 'I-A-B'), ['A-B 0-2']);
  assert.equal(groups(), []);
});

aggregation('BIOES and BILOU: E- and L- end a group, S- and U- are one alone', () => {
  const entity = (label: string, start: number) => ({ entity: label, score: 1, start, end: start + 1 });
  const groups = (scheme: string, ...labels: string[]) => {
    const all = scheme.split(' ').entries();
    return groupEntities(labels.map(entity), Object.fromEntries(all)).map(
      (g) => `${g.entity_group} ${g.start}-${g.end}`,
    );
  };
  const BIOES = 'O B-P I-P E-P S-P B-L I-L E-L S-L';
  assert.equal(groups(BIOES, 'B-P', 'I-P', 'E-P', 'S-P', 'S-P', 'O'), ['P 0-3', 'P 3-4', 'P 4-5', 'O 5-6']);
  // Ill-formed: what follows an end begins anew; a change of tag does too; an end without a beginning is one.
  assert.equal(groups(BIOES, 'B-P', 'E-P', 'I-P', 'E-P', 'E-L', 'I-P'), ['P 0-2', 'P 2-4', 'L 4-5', 'P 5-6']);
  assert.equal(groups(BIOES, 'B-P', 'E-P', 'B-P', 'E-P'), ['P 0-2', 'P 2-4']);
  // One alone, behind an entity that has no end.
  assert.equal(groups(BIOES, 'B-P', 'I-P', 'S-P'), ['P 0-2', 'P 2-3']);
  const BILOU = 'O B-P I-P L-P U-P';
  assert.equal(groups(BILOU, 'B-P', 'U-P', 'I-P'), ['P 0-1', 'P 1-2', 'P 2-3']);
  assert.equal(groups(BILOU, 'B-P', 'L-P', 'U-P', 'I-P'), ['P 0-2', 'P 2-3', 'P 3-4']);
  // Labels that only look so: no tag has B- or I- beside it.
  assert.equal(groups('O E-MAIL S-CORP B-PER I-PER', 'E-MAIL', 'E-MAIL', 'S-CORP'), ['E-MAIL 0-2', 'S-CORP 2-3']);
});

aggregation('a mark of a space, which has no width, does not end a group behind the space', () => {
  const tokens = [token('I-ENT', 0.75, 0, 3), token('I-ENT', 0.75, 4, 4), token('I-NAME', 1, 4, 5)];
  assert.equal(groupEntities(labelTokens(tokens, id2label)), [
    { entity_group: 'ENT', score: 0.75, start: 0, end: 3 },
    { entity_group: 'NAME', score: 1, start: 4, end: 5 },
  ]);
});

aggregation('first: each word has the label of its first token', () => {
  const words = labelWords(MICROSOFT, 'first', id2label);
  assert.equal(words, [
    { entity: 'B-ENT', score: 0.75, start: 0, end: 9 },
    { entity: 'I-ENT', score: 0.625, start: 10, end: 17 },
  ]);
  assert.equal(groupEntities(words), [{ entity_group: 'ENT', score: 0.6875, start: 0, end: 17 }]);
});

aggregation('max: each word has the label of its surest token', () => {
  assert.equal(labelWords(MICROSOFT, 'max', id2label), [
    { entity: 'I-NAME', score: 0.875, start: 0, end: 9 },
    { entity: 'I-ENT', score: 0.75, start: 10, end: 17 },
  ]);
});

aggregation('average: the likeliest of the mean probabilities, even if no token has it as its likeliest', () => {
  const scores = (...values: number[]) => Float64Array.from(values);
  const word = [
    // O       B-ENT  I-ENT  B-NAME I-NAME
    scores(0, /*  */ 0.5625, 0, 0.4375, 0),
    scores(0, /*  */ 0, 0.75, 0.25, 0),
    scores(0, /*  */ 0, 0, 0.4375, 0.5625),
  ].map((each, i) => ({ scores: each, index: i + 1, start: i, end: i + 1, startsWord: i === 0 }));
  // B-NAME: (0.4375 + 0.25 + 0.4375) / 3 = 0.375; B-ENT 0.1875, I-ENT 0.25, I-NAME 0.1875.
  assert.equal(labelWords(word, 'average', id2label), [{ entity: 'B-NAME', score: 0.375, start: 0, end: 3 }]);
  assert.equal(labelWords(word, 'first', id2label), [{ entity: 'B-ENT', score: 0.5625, start: 0, end: 3 }]);
  assert.equal(labelWords(word, 'max', id2label), [{ entity: 'I-ENT', score: 0.75, start: 0, end: 3 }]);
});

aggregation('the first token begins a word even if it goes on with one, and no tokens make no words', () => {
  assert.equal(labelWords([token('B-ENT', 0.75, 0, 1, false)], 'first', id2label).length, 1);
  assert.equal(labelWords([], 'average', id2label), []);
});

aggregation.run();
