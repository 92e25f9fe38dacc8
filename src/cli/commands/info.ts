/** `info`: a model, and the kernels that would run it. */
import type { Command } from 'commander';
import type { AlbertPreTrainedModel, CheckpointInfo } from '../../entry/index.js';
import { load, type ModelOptions, type OutputOptions, tellWhyNotWide, withModel, withOutput } from '../options.js';
import { anySmallModel } from '../small-models.js';
import { writeAnswers } from '../writers.js';

/**
 * Forwards, at most. A close contest takes 24 rounds, in each of which up to three kernels compute a product: 72 products, of which a
 * model of one layer has at least two in a forward.
 */
const MAX_FORWARDS = 36;
/** Multiply-adds of a product that is timed, with some to spare. */
const TIMED = 2 ** 25;

/** Computes until the model knows its fastest kernels, so that `info` reports `vectorBits`. */
async function timeProducts(model: AlbertPreTrainedModel<object>): Promise<void> {
  if (model.info().kernels === 'scalar') return;
  const { hidden_size, max_position_embeddings } = model.config;
  const tokens = Math.min(max_position_embeddings, Math.ceil(TIMED / hidden_size ** 2));
  const input_ids = { data: new Int32Array(tokens), shape: [1, tokens] }; // (batch, seq)
  for (let i = 0; i < MAX_FORWARDS && model.info().vectorBits === undefined; i++) await model.forward({ input_ids });
}

export function addInfo(program: Command): void {
  withOutput(withModel(program.command('info'), 'a checkpoint; default: a small one that is installed'))
    .description('show a model and the kernels that would run it')
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm info                                 the small model that is installed
  $ albert-wasm info --model path/to/checkpoint
  $ albert-wasm info --model owner/name --revision v1.0 --dtype int8 --threads auto`,
    )
    .action(async (options: ModelOptions & OutputOptions) => {
      const { model = anySmallModel() } = options;
      await writeAnswers(options, [], async (writer) => {
        const start = performance.now();
        await using extract = await load('feature-extraction', { ...options, model });
        const loadMilliseconds = performance.now() - start;
        await timeProducts(extract.model);
        const info = extract.model.info();
        const { hidden_size, num_hidden_layers, vocab_size, id2label } = extract.model.config;
        const { format, dtypes, architecture } = extract.model.loadReport.checkpoint as CheckpointInfo;
        const stored = { format, storedDtypes: dtypes, architecture, labels: Object.values(id2label) };
        const { source, pooling, layers, dimension, max_seq_length } = extract.embedding;
        // For a checkpoint without sentence-transformers' files, `embed` and `similarity` take the mean of the tokens.
        const embedding = {
          pooling: source === 'default' ? 'mean (default)' : [pooling.join(' and '), ...layers].join(', '),
          dimension,
          max_seq_length,
        };
        const facts = {
          model,
          ...stored,
          ...info,
          hidden_size,
          num_hidden_layers,
          vocab_size,
          tokenizer: extract.tokenizer.kind,
          ...embedding,
          loadMilliseconds,
        };
        await writer.add({
          json: facts,
          rows: Object.entries(facts).map(([name, value]) => [
            name,
            Array.isArray(value) ? value.join(', ') : String(value),
          ]),
          csv: () => ({ columns: Object.keys(facts), input: {}, records: [facts] }),
        });
        tellWhyNotWide(info);
      });
    });
}
