/** Which parameters are trained, and which stay as they are. */
import { reading } from '../ground/checks.js';
import { mismatch } from '../ground/errors.js';

/**
 * What is not trained; one of these or several. `embeddings`: the three tables and their layer norm, with tied weights the decoder too.
 * `encoder`: embeddings and encoder; pooler and head are trained. Names: parameters by the names that `params` has, or modules, each with everything in it, such as
 * `albert.encoder`.
 */
export type Freeze = string | readonly string[];

const PARTS: Readonly<Record<string, readonly string[]>> = {
  embeddings: ['embeddings'],
  encoder: ['embeddings', 'encoder'],
};

/**
 * Whether a parameter is trained, by its name.
 *
 * @param names of all parameters
 * @throws ERR_INPUT for a name that no parameter and no module has, and if nothing is left to train
 */
export function trainableOf(names: readonly string[], freeze: Freeze | undefined): (name: string) => boolean {
  const modules = freeze === undefined ? [] : reading('freeze', () => modulesOf(names, freeze));
  const trainable = (name: string) => !modules.some((module) => name === module || name.startsWith(`${module}.`));
  if (!names.some(trainable)) throw mismatch('ERR_INPUT', 'freeze', 'a parameter that is left to train', freeze);
  return trainable;
}

function modulesOf(names: readonly string[], freeze: unknown): string[] {
  const prefix = names.some((name) => name.startsWith('albert.')) ? 'albert.' : '';
  const has = (module: string) => names.some((name) => name === module || name.startsWith(`${module}.`));
  return [freeze].flat().flatMap((given: unknown, i) => {
    if (typeof given === 'string' && Object.hasOwn(PARTS, given)) {
      return (PARTS[given] as readonly string[]).map((part) => `${prefix}${part}`);
    }
    if (typeof given === 'string' && has(given)) return [given];
    const expected = "'embeddings', 'encoder', or names of parameters or modules";
    throw mismatch('ERR_INPUT', 'freeze', expected, given, Array.isArray(freeze) ? `[${i}]` : undefined);
  });
}
