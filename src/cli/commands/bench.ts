/** `bench`: how many tokens per second this machine computes. */
import type { Command } from 'commander';
import type { AlbertPreTrainedModel } from '../../entry/index.js';
import { DTYPES } from '../../ground/dtypes.js';
import { load, type ModelOptions, type OutputOptions, tellWhyNotWide, withModel, withOutput } from '../options.js';
import { anySmallModel } from '../small-models.js';
import { writeAnswers } from '../writers.js';

/** A sentence, a full row, a batch. */
const SHAPES = [
  { batch: 1, seq: 16 },
  { batch: 1, seq: 128 },
  { batch: 8, seq: 128 },
];

/** How long a shape is measured for, with at least one forward, after a first one that is not timed. */
const MILLISECONDS = 700;

interface Row {
  readonly dtype: string;
  readonly kernels: string;
  readonly threads: number;
  /** Of the vectors; absent until products have been timed, and without SIMD. */
  readonly vectorBits?: 128 | 256 | undefined;
  /** Of quantised activations; absent in float32. */
  readonly activationBits?: 7 | 8 | 13 | undefined;
  readonly batch: number;
  readonly seq: number;
  /** Per forward, the median. */
  readonly milliseconds: number;
  readonly tokensPerSecond: number;
  readonly runs: number;
}

export function addBench(program: Command): void {
  withOutput(withModel(program.command('bench'), 'any ALBERT checkpoint; default: a small one'))
    .description('measure forwards on this machine, for a few seconds')
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm bench                                in float32 and in int8, on one thread
  $ albert-wasm bench --dtype int8 --threads auto
  $ albert-wasm bench --model albert/albert-base-v2 --output bench.csv`,
    )
    .action(async (options: ModelOptions & OutputOptions) => {
      const { model = anySmallModel() } = options;
      await writeAnswers(options, [], async (writer) => {
        let first = true;
        for (const dtype of options.dtype === undefined ? DTYPES : [options.dtype]) {
          await using extract = await load('feature-extraction', { ...options, model, dtype });
          for await (const row of measure(extract.model)) {
            const rows = [...(first ? [HEAD] : []), cells(row)];
            await writer.add({
              json: row,
              rows,
              csv: () => ({ columns: Object.keys(row), input: {}, records: [row] }),
            });
            first = false;
          }
          tellWhyNotWide(extract.model.info());
        }
      });
    });
}

const HEAD = ['batch × tokens', 'tokens/s', 'ms', 'runs', 'on'];

async function* measure(model: AlbertPreTrainedModel<object>): AsyncGenerator<Row> {
  const { dtype, kernels, threads, activationBits } = model.info();
  const { vocab_size, max_position_embeddings } = model.config;
  for (const { batch, seq } of SHAPES) {
    if (seq > max_position_embeddings) continue;
    const data = Int32Array.from({ length: batch * seq }, (_, i) => (i * 7919) % vocab_size);
    const input_ids = { data, shape: [batch, seq] }; // (batch, seq)
    await model.forward({ input_ids });
    const times: number[] = [];
    for (const end = performance.now() + MILLISECONDS; times.length === 0 || performance.now() < end; ) {
      const start = performance.now();
      await model.forward({ input_ids });
      times.push(performance.now() - start);
    }
    const milliseconds = times.sort((a, b) => a - b)[times.length >> 1] as number;
    const tokensPerSecond = (batch * seq * 1000) / milliseconds;
    const { vectorBits } = model.info();
    const runs = times.length;
    yield { dtype, kernels, threads, vectorBits, activationBits, batch, seq, milliseconds, tokensPerSecond, runs };
  }
}

function cells(row: Row): string[] {
  const { dtype, kernels, threads, vectorBits } = row;
  const vectors = vectorBits === undefined ? '' : `, ${vectorBits} bits`;
  const on = `${dtype}, ${kernels}${vectors}, ${threads === 1 ? '1 thread' : `${threads} threads`}`;
  const figures = [row.tokensPerSecond.toFixed(0), row.milliseconds.toFixed(1), String(row.runs)];
  return [`${row.batch} × ${row.seq}`, ...figures, on];
}
