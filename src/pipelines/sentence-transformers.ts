/**
 * The files that sentence-transformers writes beside a model: how its embeddings are made.
 *
 * They are strangers' data: each file is bounded and checked, and refused if it has a setting that is not supported, since a wrong
 * embedding looks like a right one.
 */
import { AlbertError, mismatch } from '../ground/errors.js';
import { type OpenedSource, openFolder } from '../ground/source.js';
import { POOLING_NAMES, type Pooling } from './pooling.js';
import { LENGTHS, MAX_MODULES, MODULES, moduleFolder, SETTINGS } from './sentence-files.js';
import { readLayer, type VectorLayer } from './vector-layers.js';

/** What the files say. */
export interface SentenceModules {
  /** The folder of model and tokenizer; empty for the source itself. */
  readonly folder: string;
  /** Tokens, special ones included; instead of the tokenizer's own length. */
  readonly max_seq_length?: number;
  readonly do_lower_case: boolean;
  readonly pooling: readonly Pooling[];
  /** Whether a prompt's tokens count. */
  readonly include_prompt: boolean;
  readonly prompts: Readonly<Record<string, string>>;
  readonly default_prompt_name?: string;
  /** The layers after the pooling, in order. */
  readonly layers: readonly VectorLayer[];
}

type Json = Readonly<Record<string, unknown>>;

/** The most bytes of any of these files. */
const MAX_BYTES = 1 << 20;

/**
 * @param bytes of modules.json
 * @throws ERR_CONFIG naming file and key; what reading a file and a layer's weights throws
 */
export async function readModules(
  source: OpenedSource,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<SentenceModules> {
  const [transformer, pooling, ...others] = modulesOf(parse(bytes, MODULES));
  if (transformer?.kind !== 'Transformer')
    throw mismatch('ERR_CONFIG', '[0]', 'a Transformer', transformer?.kind, MODULES);
  if (pooling?.kind !== 'Pooling') throw mismatch('ERR_CONFIG', '[1]', 'a Pooling', pooling?.kind, MODULES);
  const lengths = await readFirst(openFolder(source, transformer.path), LENGTHS, signal);
  const pooler = await readConfig(source, pooling.path, signal);
  const settings = (await readFirst(source, [SETTINGS], signal)) ?? {};
  const layers: VectorLayer[] = [];
  for (const { kind, path } of others) {
    const config = kind === 'Normalize' || kind === 'Dropout' ? {} : await readConfig(source, path, signal);
    layers.push(await readLayer(kind, config, openFolder(source, path), path, signal));
  }
  const max_seq_length = readLength(lengths?.max_seq_length);
  const prompts = readPrompts(settings.prompts ?? {});
  const default_prompt_name = settings.default_prompt_name ?? undefined;
  if (default_prompt_name !== undefined && !Object.hasOwn(prompts, String(default_prompt_name))) {
    throw mismatch('ERR_CONFIG', 'default_prompt_name', 'a name among the prompts', default_prompt_name, SETTINGS);
  }
  return {
    folder: transformer.path,
    ...(max_seq_length !== undefined && { max_seq_length }),
    do_lower_case: readFlag(lengths ?? {}, 'do_lower_case', false, LENGTHS[0] as string),
    pooling: readPooling(pooler, `${pooling.path}/config.json`),
    include_prompt: readFlag(pooler, 'include_prompt', true, `${pooling.path}/config.json`),
    prompts,
    ...(default_prompt_name !== undefined && { default_prompt_name: String(default_prompt_name) }),
    layers,
  };
}

interface Module {
  /** The class's name. */
  readonly kind: string;
  readonly path: string;
}

function modulesOf(json: unknown): Module[] {
  if (!Array.isArray(json) || json.length > MAX_MODULES) {
    throw mismatch(
      'ERR_CONFIG',
      MODULES,
      `an array of at most ${MAX_MODULES} modules`,
      Array.isArray(json) ? json.length : json,
    );
  }
  return json.map((module: Json | null, i) => {
    const type = module?.type;
    const [, kind] = /^sentence_transformers\.(?:\w+\.)*(\w+)$/.exec(typeof type === 'string' ? type : '') ?? [];
    if (kind === undefined)
      throw mismatch('ERR_CONFIG', 'type', 'a class of sentence_transformers', type, `[${i}] of ${MODULES}`);
    const path = moduleFolder(module);
    if (path === undefined) {
      throw mismatch('ERR_CONFIG', 'path', 'a plain relative path', module?.path, `[${i}] of ${MODULES}`);
    }
    return { kind, path };
  });
}

/** A module's own config.json. */
async function readConfig(source: OpenedSource, path: string, signal: AbortSignal | undefined): Promise<Json> {
  const config = await readFirst(openFolder(source, path), ['config.json'], signal, path);
  if (config === undefined) throw new AlbertError('ERR_SOURCE', `there is no config.json in ${path} of ${source.name}`);
  return config;
}

/** The object in the first of some files that exists. */
async function readFirst(
  source: OpenedSource,
  files: readonly string[],
  signal: AbortSignal | undefined,
  folder = '',
): Promise<Json | undefined> {
  for (const file of files) {
    const bytes = await source.readFile(file, signal);
    if (bytes === undefined) continue;
    const name = folder === '' ? file : `${folder}/${file}`;
    const json = parse(bytes, name);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json;
    throw mismatch('ERR_CONFIG', name, 'an object', json);
  }
  return undefined;
}

function parse(bytes: Uint8Array, file: string): unknown {
  if (bytes.length > MAX_BYTES) throw mismatch('ERR_CONFIG', file, `at most ${MAX_BYTES} bytes`, bytes.length);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new AlbertError('ERR_CONFIG', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** The poolings: one flag each, or since version 5.4 a list of names. */
function readPooling(config: Json, file: string): Pooling[] {
  const given = config.pooling_mode;
  const names: unknown[] = Array.isArray(given)
    ? given
    : given === undefined || given === null
      ? flagged(config, file)
      : [given];
  const unknown = names.find((name) => !POOLING_NAMES.includes(name as Pooling));
  if (unknown !== undefined || names.length === 0 || names.length > POOLING_NAMES.length) {
    throw mismatch('ERR_CONFIG', 'pooling_mode', POOLING_NAMES.join(', '), unknown ?? names.length, file);
  }
  return names as Pooling[];
}

/** `pooling_mode_cls_token`, …: the names of those that are true, in the order in which they are joined. */
function flagged(config: Json, file: string): string[] {
  const on = Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && readFlag(config, key, false, file));
  const names = on.map((key) => key.slice('pooling_mode_'.length));
  // An unknown pooling must not be ignored.
  const known = POOLING_NAMES.filter((name) => names.includes(FLAGS[name] ?? name));
  const strange = names.find((name) => !POOLING_NAMES.some((pooling) => (FLAGS[pooling] ?? pooling) === name));
  if (strange !== undefined)
    throw mismatch('ERR_CONFIG', `pooling_mode_${strange}`, POOLING_NAMES.join(', '), true, file);
  const stated = Object.keys(config).some((key) => key.startsWith('pooling_mode_'));
  return known.length > 0 || stated ? known : ['mean'];
}

/** A flag's name where it is not the pooling's. */
const FLAGS: Partial<Record<Pooling, string>> = {
  cls: 'cls_token',
  max: 'max_tokens',
  mean: 'mean_tokens',
  weightedmean: 'weightedmean_tokens',
};

function readFlag(config: Json, key: string, fallback: boolean, file: string): boolean {
  const value = config[key] ?? fallback;
  if (typeof value !== 'boolean') throw mismatch('ERR_CONFIG', key, 'true or false', value, file);
  return value;
}

function readLength(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
  throw mismatch('ERR_CONFIG', 'max_seq_length', 'a number of tokens', value, LENGTHS[0]);
}

function readPrompts(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw mismatch('ERR_CONFIG', 'prompts', 'texts by name', value, SETTINGS);
  }
  const prompts = Object.entries(value);
  const fault = prompts.find(([, prompt]) => typeof prompt !== 'string');
  if (fault !== undefined) throw mismatch('ERR_CONFIG', 'prompts', 'texts', fault[1], SETTINGS);
  return Object.fromEntries(prompts);
}
