/** A fresh process that trains ALBERT with default settings: `DIRECTORY TEXTS TOKENS STEPS`, or `empty`; one line of JSON out. */
import { peakOfThisProcess } from '../peak-memory.mjs';

const [directory, texts, tokens, steps] = process.argv.slice(2);

async function train() {
  const { AlbertForSequenceClassification } = await import('../../dist/entry/index.js');
  const { TrainState } = await import('../../dist/training/state.js');
  const { adamw } = await import('../../dist/training/optimizers.js');
  const model = await AlbertForSequenceClassification.from_pretrained(directory);
  const state = await TrainState.create(model, adamw({ learning_rate: 1e-6 }));
  const count = Number(texts);
  const inputs = Array.from({ length: count }, (_, i) => ({
    input_ids: Int32Array.from({ length: Number(tokens) }, (_, j) => 5 + ((i * 7919 + j * 31) % 10_000)),
  }));
  const labels = { labels: inputs.map((_, i) => i % 2) };
  const losses = [];
  for (let step = 0; step < Number(steps); step++) losses.push((await state.step(inputs, labels)).loss);
  return { losses, weightBytes: model.info().weightBytes };
}

const facts = directory === 'empty' ? {} : await train();
process.stdout.write(`${JSON.stringify({ peakBytes: peakOfThisProcess(), ...facts })}\n`);
