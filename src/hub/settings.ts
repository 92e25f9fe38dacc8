/** The Hub's address and the caller's token: from the options of a load, then the environment variables of `huggingface_hub`. */

import type { Bytes } from '../ground/bytes.js';
import { AlbertError } from '../ground/errors.js';
import type { SourceOptions } from '../ground/source-options.js';
import { isUrl } from '../ground/url.js';
import type { HttpOptions } from '../http/request.js';
import { checkRevision } from './names.js';

/** A repository of the Hub as one load sees it. */
export interface Hub {
  readonly id: string;
  readonly revision: string;
  /** Without a closing slash. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Whether only the cache may be used. */
  readonly offline: boolean;
  readonly options: SourceOptions & HttpOptions;
}

/** A repository opened at one commit. */
export interface OpenedHub {
  readonly commit: string;
  /** The bytes of one file; `undefined` when the repository, or offline the cache, lacks it. */
  readFile(file: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** The same to be read in pieces, where the platform can. */
  openFile(file: string, signal?: AbortSignal): Promise<Bytes | undefined>;
  /** The names of all files; `undefined` if the Hub cannot be asked. */
  listFiles(): Promise<readonly string[] | undefined>;
}

/** Environment variables by name; none in a browser. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Mirrors redirect to it for some files. */
export const PUBLIC_HUB = 'https://huggingface.co';

/** @throws ERR_INPUT for an invalid revision, ERR_ENVIRONMENT for an invalid HF_ENDPOINT */
export function hubOf(id: string, options: SourceOptions & HttpOptions, env: Environment): Hub {
  const endpoint = (env.HF_ENDPOINT || PUBLIC_HUB).replace(/\/+$/, '');
  if (!/^https?:\/\/[^?#@]+$/.test(endpoint) || !isUrl(endpoint)) {
    // Not shown: a password may be in it.
    throw new AlbertError('ERR_ENVIRONMENT', '"HF_ENDPOINT" expected an http(s) URL without user, password and query');
  }
  const { token } = options;
  const revision = checkRevision(options.revision ?? 'main');
  const offline = options.localFilesOnly ?? (isTrue(env.HF_HUB_OFFLINE) || isTrue(env.TRANSFORMERS_OFFLINE));
  const advise = (status: number) => adviceFor(status, { id, endpoint, revision, token });
  return { id, revision, endpoint, token, offline, options: { ...options, advise } };
}

/** As `huggingface_hub` reads its switches. */
export function isTrue(value: string | undefined): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes(value?.toUpperCase() ?? '');
}

/** A file at a revision; `raw` is git's file, a pointer where the content lies in LFS. */
export function fileUrl({ endpoint, id }: Hub, revision: string, file: string, kind: 'resolve' | 'raw' = 'resolve') {
  const path = file.split('/').map(encodeURIComponent).join('/');
  return new URL(`${endpoint}/${id}/${kind}/${encodeURIComponent(revision)}/${path}`);
}

/** The headers of a request to the Hub. Fetch removes them if a redirect leads to another origin. */
export function authorization({ token }: Hub): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function adviceFor(status: number, { id, endpoint, revision, token }: Omit<Hub, 'offline' | 'options'>) {
  const pass = token === undefined ? 'pass a token' : 'the token does not open it';
  if (status === 401)
    return `${id} is private, gated or not there; ${pass} (option "token", HF_TOKEN or hf auth login)`;
  if (status === 403) return `access to ${id} is restricted: ask for it at ${endpoint}/${id}; ${pass}`;
  if (status === 404) return `there is no ${id} at revision ${revision}`;
  return undefined;
}
