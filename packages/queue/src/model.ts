/** The location of a run's model, the same for every worker, and a hash of its content. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pipeline as pump } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { AlbertError } from 'albert-wasm';

/** The files that a pipeline reads, also in the folders that sentence-transformers' `modules.json` names. */
const LOADED =
  /^((config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|modules|config_sentence_transformers|sentence_(bert|albert)_config)\.json|spiece\.model|vocab\.txt|.*\.(safetensors|msgpack|bin)(\.index\.json)?)$/;

/** `owner/name`, or one of ALBERT's own models, which need no owner. */
const HUB_ID = /^([\w.-]+\/[\w.-]+|albert-(base|large|xlarge|xxlarge)-v[12])$/;

export interface LocatedModel {
  /** An absolute path, a URL or a Hub id. */
  readonly model: string;
  /** SHA-256 of the names and bytes of a directory's files; only for a directory on this machine. */
  readonly content?: string;
}

/**
 * Makes a path absolute, because workers have other working directories. A Hub id, or a path that only workers can read, has
 * no `content`.
 *
 * @throws ERR_SOURCE for a directory that cannot be read
 */
export async function locateModel(model: string): Promise<LocatedModel> {
  if (/^https?:/.test(model)) return { model };
  const path = model.startsWith('file:') ? fileURLToPath(model) : resolve(model);
  const entries = await readdir(path).catch(() => undefined);
  if (entries === undefined) return { model: HUB_ID.test(model) ? model : path };
  const hash = createHash('sha256');
  try {
    const names = entries.includes('modules.json') ? await readdir(path, { recursive: true }) : entries;
    for (const name of names.filter((name) => LOADED.test(basename(name))).sort()) {
      const one = createHash('sha256');
      await pump(createReadStream(join(path, name)), one);
      hash.update(`${name}\0${one.digest('hex')}\0`);
    }
  } catch (cause) {
    throw new AlbertError('ERR_SOURCE', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  return { model: path, content: hash.digest('hex') };
}
