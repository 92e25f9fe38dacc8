/** Times contestants by turns, A B A B, so that a disturbance of the machine hits all of them alike. */
import { processorTime } from './processor-time.js';

/** One contestant's runs, in milliseconds, in the order of the rounds. */
export interface Samples {
  readonly wall: number[];
  /** The process's: what a neighbour takes away does not count, what helper threads do does. NaN in a browser. */
  readonly cpu: number[];
}

export interface Rounds {
  /** Unmeasured rounds at the start. */
  readonly warmups: number;
  /** The fewest measured rounds, whatever they take. */
  readonly rounds: number;
  /** More rounds follow until this much time has passed. */
  readonly seconds: number;
}

/** Runs every contestant once a round. */
export async function alternate<Name extends string>(
  contestants: Readonly<Record<Name, () => unknown>>,
  { warmups, rounds, seconds }: Rounds,
): Promise<Record<Name, Samples>> {
  const entries = Object.entries(contestants) as [Name, () => unknown][];
  for (let i = 0; i < warmups; i++) for (const [, run] of entries) await run();
  const samples = Object.fromEntries(entries.map(([name]) => [name, { wall: [], cpu: [] }])) as unknown as Record<
    Name,
    Samples
  >;
  const end = performance.now() + seconds * 1000;
  for (let round = 0; round < rounds || performance.now() < end; round++) {
    for (const [name, run] of entries) {
      const cpu = processorTime();
      const start = performance.now();
      await run();
      samples[name].wall.push(performance.now() - start);
      samples[name].cpu.push(processorTime() - cpu);
    }
  }
  return samples;
}
