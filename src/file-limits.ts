/** How large a file of a model may be, by its name: read before anything of it is. */
import { mismatch } from './errors.js';

const MiB = 2 ** 20;

/** What each kind may have; the first that fits decides. */
const LIMITS: readonly (readonly [name: RegExp, bytes: number])[] = [
  [/\.(safetensors|msgpack)$/, 2 ** 32],
  [/^(config|generation_config|modules|special_tokens_map|sentence_bert_config)\.json$/, MiB],
  [/^tokenizer_config\.json$/, 8 * MiB],
  [/^tokenizer\.json$/, 32 * MiB],
  [/^spiece\.model$/, 16 * MiB],
  // Above the limit of a safetensors header, which an index shares.
  [/^/, 128 * MiB],
];

/** The most bytes that a file may have. */
export function maxFileBytes(file: string): number {
  return (LIMITS.find(([name]) => name.test(file)) as readonly [RegExp, number])[1];
}

/** @throws ERR_SOURCE for a file that is larger than its kind may be */
export function checkFileSize(file: string, bytes: number, where: string): void {
  const most = maxFileBytes(file);
  if (bytes > most) throw mismatch('ERR_SOURCE', file, `at most ${most} bytes`, bytes, where);
}
