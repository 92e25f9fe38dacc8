/** A tokenizer's files with what the caller has set instead of them, so that they say it themselves. */
import type { TokenizerOptions } from './config.js';
import type { JsonObject } from './json.js';
import { normalizerAsGiven } from './steps-json.js';

/** @param files by name, of which those that say it are replaced */
export function writeSettings(files: Map<string, Uint8Array>, given: TokenizerOptions): void {
  const parse = (name: string): JsonObject => JSON.parse(new TextDecoder().decode(files.get(name)) || '{}');
  const write = (name: string, value: JsonObject) =>
    files.set(name, new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`));
  const { keep_accents } = given;
  write('tokenizer_config.json', {
    ...parse('tokenizer_config.json'),
    ...given,
    // A BertTokenizer's word for it.
    ...(keep_accents !== undefined && { strip_accents: !keep_accents }),
  });
  if (files.has('tokenizer.json') && (given.do_lower_case !== undefined || keep_accents !== undefined)) {
    const file = parse('tokenizer.json');
    write('tokenizer.json', { ...file, normalizer: normalizerAsGiven(file.normalizer, given) });
  }
}
