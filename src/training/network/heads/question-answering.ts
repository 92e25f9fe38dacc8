/** FlaxAlbertForQuestionAnswering: the mean cross-entropy of the answer's first and last token, each over the tokens of a text. */
import type { Dense } from '../../../engine/operands.js';
import type { TrainingHead } from '../head.js';
import { type ColumnMemory, crossEntropyOfColumns, planColumns } from '../losses.js';
import { labelsOf } from '../request.js';
import {
  type ClassifierActivations,
  planClassifier,
  runClassifier,
  type TrainedClassifier,
  trainedClassifier,
} from './classifier.js';

interface Activations extends ClassifierActivations {
  readonly columns: ColumnMemory;
}

export const questionAnswering: TrainingHead<TrainedClassifier, Activations> = {
  trained: (region, step, { head }) => trainedClassifier(region, step, head as Dense),
  plan(region, pass, trained) {
    const { tokens, longest } = pass.batch;
    return { ...planClassifier(region, trained, tokens), columns: planColumns(region, longest, 2) };
  },
  run(pass, trained, activations, hidden, dHidden) {
    const { starts, ends } = labelsOf('spans', pass.labels);
    const { labels, others } = pass.counts;
    const groups = pass.batch.rectangles.map(({ tokens: { from }, seq }) => ({ from, rows: seq }));
    // Half of each mean: transformers' loss is the mean of both.
    const columns = [
      { classes: starts, count: 2 * labels },
      { classes: ends, count: 2 * others },
    ];
    const lossOf = (logits: typeof activations.logits) =>
      crossEntropyOfColumns(pass, logits, activations.columns, groups, columns);
    return runClassifier(pass, trained, activations, hidden, lossOf, dHidden);
  },
};
