/** Which parameters are trained, and which stay as they are. */
import { reading } from '../ground/checks.js';
import { mismatch } from '../ground/errors.js';

/**
 * What is not trained. `embeddings`: the three tables and their layer norm, with tied weights the decoder too. `encoder`: everything before
 * the head, so the embeddings too. Names: parameters by the names that `params` has, or modules, each with everything in it, such as
 * `albert.encoder`.
 */
export type Freeze = 'embeddings' | 'encoder' | readonly string[];

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
  if (typeof freeze === 'string' && Object.hasOwn(PARTS, freeze)) {
    const prefix = names.some((name) => name.startsWith('albert.')) ? 'albert.' : '';
    return (PARTS[freeze] as readonly string[]).map((part) => `${prefix}${part}`);
  }
  if (!Array.isArray(freeze)) throw mismatch('ERR_INPUT', 'freeze', "'embeddings', 'encoder' or an array of names", freeze);
  return Array.from(freeze, (module: unknown, i) => {
    const known = names.some((name) => name === module || name.startsWith(`${module}.`));
    if (typeof module !== 'string' || !known) {
      throw mismatch('ERR_INPUT', 'freeze', 'names of parameters or modules', module, `[${i}]`);
    }
    return module;
  });
}
