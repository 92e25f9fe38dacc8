/** The token of a load without the option `token`: from the environment, otherwise the one that `hf auth login` stored, as `huggingface_hub` finds it. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AlbertError } from '../../ground/errors.js';
import { type Environment, isTrue } from '../settings.js';
import { homeDirectory } from './cache.js';

/**
 * `HF_TOKEN`, otherwise the content of the file `HF_TOKEN_PATH` or `$HF_HOME/token`, unless `HF_HUB_DISABLE_IMPLICIT_TOKEN` forbids both.
 *
 * @throws ERR_ENVIRONMENT for an invalid token, which is not shown, and for a file that cannot be read
 */
export async function implicitToken(env: Environment): Promise<string | undefined> {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const given = env.HF_TOKEN?.trim();
  if (given) return checked(given, 'HF_TOKEN');
  const path = (env.HF_TOKEN_PATH || join(homeDirectory(env), 'token')).replace(/^~(?=$|[\\/])/, homedir());
  let stored: string;
  try {
    stored = (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new AlbertError('ERR_ENVIRONMENT', `cannot read the token of hf auth login: ${message}`, { cause });
  }
  return stored === '' ? undefined : checked(stored, path);
}

/** Anything else would reach a header. */
function checked(token: string, name: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new AlbertError('ERR_ENVIRONMENT', `"${name}" expected printable ASCII without spaces`);
}
