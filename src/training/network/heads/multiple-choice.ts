/** FlaxAlbertForMultipleChoice: cross-entropy of the choices of each question. */
import type { Dense } from '../../../engine/operands.js';
import type { TrainingHead } from '../head.js';
import { type ColumnMemory, crossEntropyOfColumns, planColumns } from '../losses.js';
import { labelsOf } from '../request.js';
import { type PooledActivations, planPooled, runPooled, type TrainedPooled, trainedPooled } from './pooled.js';

interface Activations extends PooledActivations {
  readonly columns: ColumnMemory;
}

export const multipleChoice: TrainingHead<TrainedPooled, Activations> = {
  trained: (region, step, layout) => trainedPooled(region, step, layout, layout.head as Dense),
  rows: ({ starts }) => starts,
  plan: (region, pass, trained) => ({
    ...planPooled(region, pass, trained),
    columns: planColumns(region, Math.max(...pass.batch.rectangles.map(({ batch }) => batch)), 1),
  }),
  run(pass, trained, activations, hidden, dHidden) {
    const { classes } = labelsOf('classes', pass.labels);
    // A rectangle is one question.
    const groups = pass.batch.rectangles.map(({ sequences: { from }, batch }) => ({ from, rows: batch }));
    // FlaxAlbert drops at the hidden rate here, not at the classifier's.
    const { hidden_dropout_prob: rate } = pass.config;
    return runPooled(pass, trained, activations, hidden, dHidden, rate, (logits) =>
      crossEntropyOfColumns(pass, logits, activations.columns, groups, [{ classes, count: pass.counts.labels }]),
    );
  },
};
