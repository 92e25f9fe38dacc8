/** What is wrong with a command's arguments: exit code 2, and where help is. */
import { CommanderError } from 'commander';

export function usageError(message: string): CommanderError {
  return new CommanderError(2, 'albert-wasm.usage', `error: ${message} (--help shows how)`);
}
