/** The largest size of each file of a model, by the name of the file; checked before the file is read. */
import { mismatch } from './errors.js';

/** Exponents of two. Other files, except weights, have the limit of an index, which is above that of a safetensors header. */
const LIMITS: ReadonlyMap<string, number> = new Map([
  ['config.json', 20],
  ['special_tokens_map.json', 20],
  ['modules.json', 20],
  ['sentence_bert_config.json', 20],
  ['sentence_albert_config.json', 20],
  ['config_sentence_transformers.json', 20],
  ['tokenizer_config.json', 23],
  ['spiece.model', 24],
  ['tokenizer.json', 25],
]);

/** Whether a file contains weights, by its name. */
export function isWeights(file: string): boolean {
  return /\.(safetensors|msgpack|bin)$/.test(file);
}

/** The largest size of a file: 4 GiB for weights, 1 to 32 MiB for files that are read whole, 128 MiB for others. */
export function maxFileBytes(file: string): number {
  return 2 ** (isWeights(file) ? 32 : (LIMITS.get(file.split('/').at(-1) as string) ?? 27));
}

/** @throws ERR_SOURCE for a file that is larger than its kind may be */
export function checkFileSize(file: string, bytes: number, where: string): void {
  const most = maxFileBytes(file);
  if (bytes > most) throw mismatch('ERR_SOURCE', file, `at most ${most} bytes`, bytes, where);
}
