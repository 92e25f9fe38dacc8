/** Small models, examples that a small model learns, and what is left of a log without times. */
import type { ModelFiles } from '../../../src/ground/source.js';
import { loadDataset } from '../../../src/training/data/dataset.js';
import type { TextExample } from '../../../src/training/data/examples.js';
import type { TrainingArguments } from '../../../src/training/trainer/arguments.js';
import { loadForTraining } from '../../../src/training/trainer/load.js';
import type { TrainerState } from '../../../src/training/trainer/state.js';
import { Trainer } from '../../../src/training/trainer/trainer.js';
import type { TrainerOptions } from '../../../src/training/trainer/trainer-options.js';
import { randomFiles } from '../../pipelines/checkpoint.js';

/** Two groups of two inner layers, with dropout. */
export const FILES: ModelFiles = await randomFiles('pretraining', {
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
});

const ANIMALS = ['cat', 'dog', 'horse', 'bird', 'cow', 'fish'];
const PLACES = ['London', 'Paris', 'Rome', 'Berlin', 'Madrid', 'Oslo'];

/** Texts about animals and about places. */
export const TEXTS: readonly TextExample[] = [
  ...ANIMALS.map((word) => ({ text: `a ${word} sat there`, label: 'animal' })),
  ...PLACES.map((word) => ({ text: `we went to ${word}`, label: 'place' })),
];

/** A trainer of a new model for {@link TEXTS}. */
export async function trainerOf(
  args: TrainingArguments,
  more: Partial<TrainerOptions> = {},
  options: { seed?: number; threads?: number } = {},
): Promise<Trainer> {
  const train_dataset = await loadDataset('text-classification', TEXTS);
  const { model, tokenizer } = await loadForTraining(FILES, train_dataset, { seed: 1, ...options });
  const usual = { per_device_train_batch_size: 4, learning_rate: 3e-3, logging_steps: 1 };
  return new Trainer({ model, tokenizer, train_dataset, eval_dataset: TEXTS, args: { ...usual, ...args }, ...more });
}

/** The bits of a model's parameters. */
export function bitsOf({ model }: Pick<Trainer, 'model'>): string {
  return [...model.params].map(([name, { data }]) => `${name} ${hash(data)}`).join('\n');
}

function hash(data: Float32Array): number {
  return new Int32Array(data.buffer, data.byteOffset, data.length).reduce(
    (h, word) => (Math.imul(h, 31) + word) | 0,
    7,
  );
}

/** The log without what a clock decides. */
export function logOf({ log_history }: TrainerState): object[] {
  return log_history.map((entry) =>
    Object.fromEntries(Object.entries(entry).filter(([name]) => !/runtime|per_second/.test(name))),
  );
}
