/** What is wrong with a command's arguments: exit code 2, and where help is. */
import { CommanderError } from 'commander';

/** @param hint a line of its own: what to write instead */
export function usageError(message: string, hint?: string): CommanderError {
  const more = hint === undefined ? '' : `\n${hint}`;
  return new CommanderError(2, 'albert-wasm.usage', `error: ${message} (--help shows how)${more}`);
}
