/** Batches of lines through a pipeline: answers in order, and errors that name their line. */

import { AlbertError, type CallOptions, type Pipeline } from '../entry/index.js';
import { throwIfAborted } from '../ground/abort.js';
import { reasonOf } from '../ground/errors.js';
import { decodeLine, isBlank, type Line } from '../ground/lines.js';
import type { ParsedLine } from './formats.js';

/** How lines are answered. */
export interface LineWork<Input, Result, Call extends CallOptions> {
  readonly task: Pipeline<Result, Call, Input>;
  readonly call: Call;
  readonly parse: (line: string) => ParsedLine<Input>;
}

/** A line's answer, or its error. */
export type LineAnswer<Input, Result> =
  | (ParsedLine<Input> & { readonly line: Line; readonly result: Result })
  | (Pick<ParsedLine<Input>, 'others'> & { readonly line: Line; readonly error: AlbertError });

/** Codes of errors that are always a line's own, not the model's. */
const OF_A_LINE = ['ERR_INPUT', 'ERR_TOO_LONG'];

/**
 * Answers each line: a batch at once, and if that fails, one line after another. Blank lines are skipped: they occur between
 * paragraphs and at the ends of files, and a label for nothing would look like an answer. While the model works, an error belongs
 * to its line: one bad line does not cost another its answer.
 *
 * @throws errors that the next line would meet too: ERR_ABORTED, ERR_DISPOSED, ERR_WORKER if no other worker is available
 */
export async function* answerLines<Input, Result, Call extends CallOptions>(
  batches: AsyncIterable<readonly Line[]>,
  { task, call, parse }: LineWork<Input, Result, Call>,
): AsyncGenerator<LineAnswer<Input, Result>> {
  const parsed = (line: Line) => parse(decodeLine(line));
  for await (const batch of batches) {
    const lines = batch.filter((line) => !isBlank(line));
    if (lines.length === 0) continue;
    const together = async () => {
      const all = lines.map(parsed);
      const results = await task(
        all.map(({ input }) => input),
        call,
      );
      return all.map((one, i) => ({ line: lines[i] as Line, ...one, result: results[i] as Result }));
    };
    const answers = await together().catch(() => undefined);
    if (answers !== undefined) yield* answers;
    else for (const line of lines) yield await alone(line);
  }

  async function alone(line: Line): Promise<LineAnswer<Input, Result>> {
    let others = {};
    try {
      const one = parsed(line);
      others = one.others;
      if (Array.isArray(one.input)) throw new AlbertError('ERR_INPUT', '"line" expected one input, got an array');
      return { line, ...one, result: await task(one.input, call) };
    } catch (cause) {
      const error = cause instanceof AlbertError ? cause : new AlbertError('ERR_INTERNAL', reasonOf(cause), { cause });
      if (!OF_A_LINE.includes(error.code)) {
        throwIfAborted(call.signal);
        // Without input, the model answers with nothing, or throws the reason why it no longer answers.
        await task.model.forwardEach([]);
      }
      return { line, others, error };
    }
  }
}
