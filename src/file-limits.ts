/** How large a file of a model may be, by its name: checked before the file is read. */
import { mismatch } from './errors.js';

/** Powers of two; any other file but weights has the limit of an index, above that of a safetensors header. */
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

/** Whether a file has weights, by its name. */
export function isWeights(file: string): boolean {
  return /\.(safetensors|msgpack|bin)$/.test(file);
}

/** The most bytes that a file may have: 4 GiB of weights, 1 to 32 MiB of what is read as a whole, 128 MiB of anything else. */
export function maxFileBytes(file: string): number {
  return 2 ** (isWeights(file) ? 32 : (LIMITS.get(file.split('/').at(-1) as string) ?? 27));
}

/** @throws ERR_SOURCE for a file that is larger than its kind may be */
export function checkFileSize(file: string, bytes: number, where: string): void {
  const most = maxFileBytes(file);
  if (bytes > most) throw mismatch('ERR_SOURCE', file, `at most ${most} bytes`, bytes, where);
}
