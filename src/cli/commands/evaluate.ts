/** `evaluate`: how good a model is on examples. */
import type { Command } from 'commander';
import { withOptionNames } from '../option-names.js';
import {
  loadingOf,
  type ModelOptions,
  type OutputOptions,
  parseCount,
  tellWhyNotWide,
  withBar,
  withModel,
  withOutput,
} from '../options.js';
import { ProgressBar } from '../progress-bar.js';
import { type DataOptions, LENGTH_HELP, loadTraining, readExamples, withExamples } from '../training-data.js';
import { writeAnswers } from '../writers.js';

interface Options extends DataOptions, ModelOptions, OutputOptions {
  readonly model: string;
  readonly eval: string;
}

export function addEvaluate(program: Command): void {
  const command = program.command('evaluate').description('measure a model on examples of your own');
  withOutput(withModel(withExamples(command), 'the model', true))
    .requiredOption('--eval <file>', 'the examples: JSON lines, or CSV or TSV with a header; - reads standard input')
    .option('--max-length <n>', LENGTH_HELP, parseCount)
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm evaluate --model my-model --eval test.csv
  $ albert-wasm evaluate --model my-model --eval test.csv --dtype int8       what int8 costs
  $ albert-wasm evaluate --task token-classification --model my-ner --eval test.jsonl --format json
  $ albert-wasm evaluate --task sentence-similarity --model my-sts --eval pairs.tsv

The keys of the examples are those of \`albert-wasm train --help\`. A model does not know the --max-score that it was trained with:
another one gives another loss of sentence-similarity, and the same correlations.`,
    )
    .action((options: Options) => withOptionNames(() => evaluate(options)));
}

async function evaluate(options: Options): Promise<void> {
  const { loadForEvaluation, Trainer } = await loadTraining();
  const { task, model: source, maxLength } = options;
  const { model, tokenizer } = await withBar((onProgress) =>
    loadForEvaluation(task, source, { ...loadingOf(options), onProgress }),
  );
  tellWhyNotWide(model.info());
  const bar = process.stderr.isTTY ? new ProgressBar(process.stderr) : undefined;
  try {
    // Of a model with classes, labels such as 1.5 are their names.
    const { num_labels, problem_type } = model.config;
    const kind = problem_type ?? (num_labels > 1 ? 'single_label_classification' : undefined);
    const isOne = task === 'text-classification' && kind === 'single_label_classification';
    const dataset = await readExamples(options.eval, options, isOne ? { problem_type: kind } : {});
    const trainer = new Trainer({
      model,
      tokenizer,
      args: { per_device_eval_batch_size: 32, ...(maxLength !== undefined && { max_seq_length: maxLength }) },
      onEvaluation: ({ done, total }) => bar?.showLine(done / total, `${done} of ${total}`),
    });
    const metrics = await trainer.evaluate(dataset);
    bar?.clear();
    const named = Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [name.replace(/^eval_/, ''), value]),
    );
    const facts = { model: source, examples: dataset.length, ...named };
    await writeAnswers(options, [options.eval], (writer) =>
      writer.add({
        json: facts,
        rows: Object.entries(facts).map(([name, value]) => [
          name,
          typeof value === 'number' ? String(Number(value.toPrecision(6))) : value,
        ]),
        csv: () => ({ columns: Object.keys(facts), input: {}, records: [facts] }),
      }),
    );
    tellWhyNotWide(model.info());
  } finally {
    bar?.clear();
    await model.dispose();
  }
}
