/** What `train` shows and writes while it runs: its log, and a bar on a terminal. */
import { writeFiles } from '#platform';
import type { LogEntry, Trainer, TrainingProgress } from '../entry/training.js';
import { print } from './output.js';
import { ProgressBar } from './progress-bar.js';
import { trainingChart } from './training-chart.js';
import { toJson } from './writers.js';

/** The log: JSON lines in a pipe, short lines on a terminal, and two files that are as whole as the last entry. */
export class TrainingLog {
  readonly #trainer: Trainer;
  readonly #options: { readonly task: string; readonly out: string };
  readonly #screen: TrainingScreen;
  /** Writes one after another. */
  #written: Promise<void> = Promise.resolve();

  constructor(trainer: Trainer, options: { readonly task: string; readonly out: string }, screen: TrainingScreen) {
    this.#trainer = trainer;
    this.#options = options;
    this.#screen = screen;
  }

  push(entry: LogEntry): void {
    this.#screen.clear();
    const text = process.stdout.isTTY ? entryLine(entry) : toJson(entry);
    this.#written = this.#written.then(() => print(text)).then(() => this.#write(this.#trainer.state.log_history));
    // What fails is thrown by `end`; until then training goes on.
    this.#written.catch(() => {});
  }

  async end(): Promise<void> {
    await this.#written;
    if (process.stdout.isTTY) await print(`the model is in ${this.#options.out}`);
  }

  /** Writes the files for a training that was stopped: with the steps since the last entry too, which a resumed one logs later. */
  async stop(): Promise<void> {
    await this.#written;
    const { log_history, unlogged, epoch, global_step: step } = this.#trainer.state;
    const since = unlogged.steps > 0 ? [{ loss: unlogged.loss / unlogged.steps, epoch, step }] : [];
    await this.#write([...log_history, ...since]);
  }

  async #write(log_history: readonly LogEntry[]): Promise<void> {
    const encode = (text: string) => new TextEncoder().encode(text);
    const chart = trainingChart(log_history, `${this.#options.task}: ${this.#options.out}`);
    const files = new Map([
      ['metrics.jsonl', encode(log_history.map((entry) => `${JSON.stringify(entry)}\n`).join(''))],
      ['training.svg', encode(chart)],
    ]);
    await writeFiles(this.#options.out, files, []);
  }
}

/** An entry of the log in one line: `step 171  epoch 1.00  loss 0.5123`. */
function entryLine({ step, epoch, ...values }: LogEntry): string {
  const named = Object.entries(values).map(([name, value]) => `${name.replace(/^eval_/, '')} ${number(value)}`);
  const kind = Object.keys(values).some((name) => name.startsWith('eval_')) ? 'evaluation  ' : '';
  return `step ${step}  epoch ${epoch.toFixed(2)}  ${kind}${named.join('  ')}`;
}

function number(value: number): string {
  return Math.abs(value) >= 1e-3 || value === 0 ? String(Number(value.toPrecision(4))) : value.toExponential(1);
}

/** The progress of training on a terminal. */
export class TrainingScreen {
  readonly #bar = process.stderr.isTTY ? new ProgressBar(process.stderr) : undefined;

  show({ step, total_steps, epoch, loss, tokens_per_second, seconds_left }: TrainingProgress): void {
    const left = seconds_left < 90 ? `${Math.ceil(seconds_left)} s` : `${Math.ceil(seconds_left / 60)} min`;
    const speed = `${Math.round(tokens_per_second)} tokens/s`;
    this.line(
      step / total_steps,
      `${step}/${total_steps}  epoch ${epoch.toFixed(2)}  loss ${number(loss)}  ${speed}  ${left} left`,
    );
  }

  line(share: number, text: string): void {
    this.#bar?.showLine(share, text);
  }

  clear(): void {
    this.#bar?.clear();
  }
}
