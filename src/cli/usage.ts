/** Errors in a command's arguments: exit code 2, and where to find help. */
import { CommanderError } from 'commander';
import { inputFormat, type LineOptions, outputFormat } from './options.js';
import type { TaskInput } from './task-input.js';

/** @param hint a line of its own: what to write instead */
export function usageError(message: string, hint?: string): CommanderError {
  const more = hint === undefined ? '' : `\n${hint}`;
  return new CommanderError(2, 'albert-wasm.usage', `error: ${message} (--help shows how)${more}`);
}

/**
 * Refuses options that do not go together.
 *
 * @param given inputs that are arguments
 * @throws CommanderError with exit code 2
 */
export function checkUsage(given: number, options: LineOptions, kind: TaskInput): void {
  const { file, shard, column, header, delimiter } = options;
  if (shard !== undefined && (file === undefined || given > 0)) {
    throw usageError('--shard needs a --file to take a part of');
  }
  if (file !== undefined && given > 0) {
    throw usageError('give inputs as arguments or as a --file, not both');
  }
  const csv = inputFormat(options, kind) === 'csv';
  if (!csv && (column !== undefined || header === false)) {
    throw usageError('--column and --no-header are for CSV that is read, not for other formats');
  }
  if (delimiter !== undefined && !csv && outputFormat(options) !== 'csv') {
    throw usageError('--delimiter is for CSV, which is neither read nor written here');
  }
  if (csv) checkCsv(given, options, kind);
  if (given === 0 && file === undefined && process.stdin.isTTY) {
    throw usageError('give inputs as arguments or as lines');
  }
}

function checkCsv(given: number, { column, shard }: LineOptions, { columns, least, most }: TaskInput): void {
  if (given > 0) throw usageError('CSV comes from a --file or standard input, not from arguments');
  if (shard !== undefined) throw usageError('--shard cuts a file at line ends, which a CSV may have within its fields');
  const count = (column ?? columns).length;
  if (count >= least && count <= most) return;
  const wanted =
    least === most
      ? `${least} of`
      : most === Number.POSITIVE_INFINITY
        ? `${least} or more of`
        : `${least} to ${most} of`;
  throw usageError(`this command reads ${wanted} the columns of a CSV, got ${count}: give each with --column`);
}
