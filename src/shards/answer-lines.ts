/** Batches of lines through a pipeline: answers in order, and faults that name their line. */
import { reasonOf, throwIfAborted } from '../errors.js';
import { AlbertError, type CallOptions, type Pipeline } from '../index.js';
import { decodeLine, type Line } from './read-lines.js';

/** What is done with lines. */
export interface LineWork<Input, Result, Call extends CallOptions> {
  readonly task: Pipeline<Result, Call, Input>;
  readonly call: Call;
  readonly parse: (line: string) => Input;
}

/** A line's answer, or the error that it is. */
export type LineAnswer<Input, Result> =
  | { readonly line: Line; readonly input: Input; readonly result: Result }
  | { readonly line: Line; readonly error: AlbertError };

/** Codes of faults that are a line's own, whatever became of the model. */
const OF_A_LINE = ['ERR_INPUT', 'ERR_TOO_LONG'];

/**
 * Answers each line: a batch at once, and where that fails one line after the other. Any error is its line's while the model
 * lives: one line of poison costs no other its answer.
 *
 * @throws what the next line would meet as well: ERR_ABORTED, ERR_DISPOSED, ERR_WORKER where no other worker is to be had
 */
export async function* answerLines<Input, Result, Call extends CallOptions>(
  batches: AsyncIterable<readonly Line[]>,
  { task, call, parse }: LineWork<Input, Result, Call>,
): AsyncGenerator<LineAnswer<Input, Result>> {
  const inputOf = (line: Line) => parse(decodeLine(line));
  for await (const lines of batches) {
    const together = async () => {
      const inputs = lines.map(inputOf);
      const results = await task(inputs, call);
      return lines.map((line, i) => ({ line, input: inputs[i] as Input, result: results[i] as Result }));
    };
    const answers = await together().catch(() => undefined);
    if (answers !== undefined) yield* answers;
    else for (const line of lines) yield await alone(line);
  }

  async function alone(line: Line): Promise<LineAnswer<Input, Result>> {
    try {
      const input = inputOf(line);
      if (Array.isArray(input)) throw new AlbertError('ERR_INPUT', '"line" expected one input, got an array');
      return { line, input, result: await task(input, call) };
    } catch (cause) {
      const error = cause instanceof AlbertError ? cause : new AlbertError('ERR_INTERNAL', reasonOf(cause), { cause });
      if (!OF_A_LINE.includes(error.code)) {
        throwIfAborted(call.signal);
        // Of no input, it answers with nothing, or with why it answers no more.
        await task.model.forwardEach([]);
      }
      return { line, error };
    }
  }
}
