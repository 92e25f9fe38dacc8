/** The tasks by name, and the task of a model. */
import { mismatch } from '../../ground/errors.js';
import type { ModelClass } from '../../model/albert.js';
import type { Architecture } from '../../model/architecture.js';
import type { TrainingTask } from '../data/examples.js';
import { fillMask } from './fill-mask.js';
import { multipleChoice } from './multiple-choice.js';
import { questionAnswering } from './question-answering.js';
import { sentenceSimilarity } from './sentence-similarity.js';
import type { AnyModel, TrainableTask } from './task.js';
import { textClassification } from './text-classification.js';
import { tokenClassification } from './token-classification.js';

export const TASKS: { readonly [T in TrainingTask]: TrainableTask } = {
  'text-classification': textClassification as unknown as TrainableTask,
  'token-classification': tokenClassification as unknown as TrainableTask,
  'question-answering': questionAnswering as unknown as TrainableTask,
  'multiple-choice': multipleChoice as unknown as TrainableTask,
  'sentence-similarity': sentenceSimilarity as unknown as TrainableTask,
  'fill-mask': fillMask as unknown as TrainableTask,
};

/** The task that a model's class is for. @throws ERR_INPUT for a class that the trainer has no data for */
export function taskOf(model: AnyModel): TrainingTask {
  const { architecture } = model.constructor as unknown as { architecture: Architecture };
  const found = Object.entries(TASKS).find(
    ([, { Class }]) => (Class as ModelClass<unknown>).architecture === architecture,
  );
  if (found !== undefined) return found[0] as TrainingTask;
  const expected = Object.values(TASKS).map(({ Class }) => Class.architecture);
  throw mismatch('ERR_INPUT', 'model', `one of ${expected.join(', ')}`, architecture);
}
