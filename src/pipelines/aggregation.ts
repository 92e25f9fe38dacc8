/**
 * From the label probabilities of tokens to entities.
 *
 * Source: `aggregate`, `aggregate_word` and `group_entities` of Hugging Face's token-classification pipeline.
 */

/** How tokens become entities; `none` leaves them tokens. */
export type AggregationStrategy = 'none' | 'simple' | 'first' | 'average' | 'max';

/** A token with the probability of each label. */
export interface ScoredToken {
  readonly scores: Float64Array; // (num_labels)
  /** Its index among the text's tokens; `[CLS]` is 0. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
  /** Whether a word begins with it. */
  readonly startsWord: boolean;
}

/** A label with a prefix, as `I-PER`, for a stretch of the text. */
export interface Labelled {
  readonly entity: string;
  readonly score: number;
  readonly start: number;
  readonly end: number;
}

/** A label without its prefix, as `PER`, for a stretch of the text. */
export interface Group {
  readonly entity_group: string;
  readonly score: number;
  readonly start: number;
  readonly end: number;
}

type Labels = Readonly<Record<string, string>>;

/** Each token with its likeliest label. */
export function labelTokens(
  tokens: readonly Omit<ScoredToken, 'startsWord'>[],
  id2label: Labels,
): (Labelled & { index: number })[] {
  return tokens.map(({ scores, index, start, end }) => ({ ...best(scores, id2label), index, start, end }));
}

/**
 * Each word with one label: `first`, that of its first token; `max`, that of its most certain token; `average`, the likeliest
 * by the mean of its tokens' probabilities.
 */
export function labelWords(
  tokens: readonly ScoredToken[],
  strategy: 'first' | 'average' | 'max',
  id2label: Labels,
): Labelled[] {
  const words: [ScoredToken, ...ScoredToken[]][] = [];
  for (const token of tokens) {
    const word = words.at(-1);
    if (word === undefined || token.startsWord) words.push([token]);
    else word.push(token);
  }
  return words.map((word) => ({
    ...best(wordScores(word, strategy), id2label),
    start: word[0].start,
    end: (word.at(-1) as ScoredToken).end,
  }));
}

/**
 * Joins neighbours of one label into groups. `B-` begins a group, and so does a change of label; `I-`, or a label without a
 * prefix, continues the group of its own label. If the model's labels have them, `E-` and `L-` end a group, `S-` and `U-` are
 * a group by themselves (BIOES, BILOU). The group's score is the mean of its members'.
 *
 * @param id2label all labels of the model
 */
export function groupEntities(entities: readonly Labelled[], id2label: Labels = {}): Group[] {
  const prefix = prefixOf(Object.values(id2label));
  const groups: { tag: string; members: Labelled[]; closed: boolean }[] = [];
  for (const entity of entities) {
    const mark = prefix.exec(entity.entity)?.[1] ?? 'I';
    const tag = entity.entity.replace(prefix, '');
    const group = groups.at(-1);
    const closed = 'ELSU'.includes(mark);
    if (group === undefined || group.closed || 'BSU'.includes(mark) || group.tag !== tag) {
      groups.push({ tag, members: [entity], closed });
    } else {
      group.members.push(entity);
      group.closed = closed;
    }
  }
  return groups.map(({ tag, members }) => {
    const { start } = members[0] as Labelled;
    // A space mark without a width does not end a group: the space before it is not part of the entity.
    const end = members.findLast((member) => member.start < member.end)?.end ?? start;
    const score = members.reduce((sum, member) => sum + member.score, 0) / members.length;
    return { entity_group: tag, score, start, end };
  });
}

/**
 * The prefix of labels. `E-`, `L-`, `S-` and `U-` are prefixes only if some tag occurs with one of them and also with `B-` or `I-`;
 * otherwise they belong to the tag, as in E-MAIL.
 */
function prefixOf(labels: readonly string[]): RegExp {
  const all = new Set(labels);
  const closes = labels.some(
    (label) => /^[ELSU]-/.test(label) && (all.has(`B${label.slice(1)}`) || all.has(`I${label.slice(1)}`)),
  );
  return closes ? /^([BIELSU])-/ : /^([BI])-/;
}

function best(scores: Float64Array, id2label: Labels): { entity: string; score: number } {
  const score = Math.max(...scores);
  return { entity: id2label[scores.indexOf(score)] as string, score };
}

function wordScores(word: readonly [ScoredToken, ...ScoredToken[]], strategy: 'first' | 'average' | 'max') {
  if (strategy === 'first') return word[0].scores;
  if (strategy === 'average') {
    return word[0].scores.map(
      (_, id) => word.reduce((sum, { scores }) => sum + (scores[id] as number), 0) / word.length,
    );
  }
  return word.reduce((a, b) => (Math.max(...b.scores) > Math.max(...a.scores) ? b : a)).scores;
}
