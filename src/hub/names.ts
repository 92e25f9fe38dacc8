/** Names that become URLs and paths: ids, revisions, commits, ETags, files. Anything else is refused. */
import { mismatch } from '../ground/errors.js';

/** `owner/name` as the Hub allows it: no `--`, no `..`, no `.git`, so that it is one folder's name in the cache. */
export function isHubId(text: string): boolean {
  return (
    /^(?=\w)[\w.-]{1,96}(?<=\w)\/(?=\w)[\w.-]{1,96}(?<=\w)$/.test(text) &&
    !/--|\.\./.test(text) &&
    !text.endsWith('.git')
  );
}

/** ALBERT's own eight models had names without an owner before `albert/` was theirs; no other ALBERT had. */
const OFFICIAL = /^albert-(base|large|xlarge|xxlarge)-v[12]$/;

/** The id that a text stands for: itself, or one of ALBERT's own models with its owner; `undefined` for any other. */
export function hubIdOf(text: string): string | undefined {
  if (OFFICIAL.test(text)) return `albert/${text}`;
  return isHubId(text) ? text : undefined;
}

/** @throws ERR_INPUT for a name that git would not accept for a branch, a tag or a commit */
export function checkRevision(revision: string): string {
  const parts = revision.split('/');
  const valid = parts.every((part) => /^\w[\w.+@-]*$/.test(part) && !/\.\.|@\{|\.lock$|\.$/.test(part));
  if (!valid || revision.length > 255) throw mismatch('ERR_INPUT', 'revision', 'a branch, tag or commit', revision);
  return revision;
}

/** Whether this is a plain relative path, such as `1_Pooling/config.json`: without `..`, not absolute, encoded or hidden. */
export function isPlainPath(path: string): boolean {
  return path.length <= 255 && /^\w[\w.-]*(\/\w[\w.-]*){0,3}$/.test(path) && !path.includes('..');
}

/** @throws ERR_SOURCE for a file name that is not plain */
export function checkFileName(file: string): string {
  if (!isPlainPath(file)) throw mismatch('ERR_SOURCE', 'file', 'a plain file name', file);
  return file;
}

/** Whether this is a whole commit hash, which no push can change. */
export function isCommit(text: string | null | undefined): text is string {
  return /^[0-9a-f]{40}$/.test(text ?? '');
}

/** The hash in an ETag: 40 hexadecimal digits of git's SHA-1, or 64 of SHA-256; `undefined` for any other. */
export function hashOf(etag: string | null | undefined): string | undefined {
  const hash = (etag ?? '').replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash) ? hash : undefined;
}
