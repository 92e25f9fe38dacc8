/** The formats that weights come in, one row each, in the order in which a source is asked for them. */
import type { Bytes } from '../ground/bytes.js';
import type { AlbertError } from '../ground/errors.js';
import type { OpenedSource } from '../ground/source.js';
import type { Checkpoint } from './checkpoint.js';
import { decodeSafetensors, openSafetensors } from './safetensors.js';

/** What most loads do not need: its code is loaded on demand. */
export interface RareReaders {
  /** @param name for messages */
  readFlax(file: Bytes, name: string): Promise<Checkpoint>;
  readPytorch(file: Bytes, name: string): Promise<Checkpoint>;
  /** The error for a source without any of these files. */
  noWeights(source: OpenedSource, names: readonly string[]): Promise<AlbertError>;
}

export interface WeightFormat {
  /** The file that holds the weights. */
  readonly file: string;
  /** The file that lists the shards, if the format has shards. */
  readonly index?: string;
  readonly naming: Checkpoint['naming'];
  /** Whether a file that starts with these bytes is of this format. */
  begins(start: Uint8Array): boolean;
  read(file: Bytes, name: string, readers: RareReaders): Checkpoint | Promise<Checkpoint>;
}

const SAFETENSORS: WeightFormat = {
  file: 'model.safetensors',
  index: 'model.safetensors.index.json',
  naming: 'pytorch',
  // A header's length in bytes 0 to 7, then its brace. No length reaches 2^32, so that bytes 4 to 7 are zero; a msgpack
  // map may begin with the same byte as a length, but none of text, msgpack and archives has four NULs before a brace.
  begins: (start) => start[8] === 0x7b && start.subarray(4, 8).every((byte) => byte === 0),
  read: (file, name) => (file instanceof Uint8Array ? decodeSafetensors(file, name) : openSafetensors(file, name)),
};

const FLAX: WeightFormat = {
  file: 'flax_model.msgpack',
  naming: 'flax',
  begins: (start) => !isPickle(start) && isMap(start),
  read: (file, name, { readFlax }) => readFlax(file, name),
};

const PYTORCH: WeightFormat = {
  file: 'pytorch_model.bin',
  index: 'pytorch_model.bin.index.json',
  naming: 'pytorch',
  begins: (start) => isZip(start) || isPickle(start),
  read: (file, name, { readPytorch }) => readPytorch(file, name),
};

function isMap([first = 0]: Uint8Array): boolean {
  return (first >= 0x80 && first < 0x90) || first === 0xde || first === 0xdf;
}

function isZip([first, second]: Uint8Array): boolean {
  return first === 0x50 && second === 0x4b;
}

/** Protocols 2 to 5. In msgpack these bytes are an empty map with something after it, which is not a checkpoint. */
function isPickle([first, second = 0]: Uint8Array): boolean {
  return first === 0x80 && second >= 2 && second <= 5;
}

export const FORMATS: readonly WeightFormat[] = [SAFETENSORS, FLAX, PYTORCH];

/** The format of a file, by its first bytes; `undefined` if it is unknown. */
export function formatOf(start: Uint8Array): WeightFormat | undefined {
  return FORMATS.find((format) => format.begins(start));
}

/** The format whose errors describe a file of unknown format: no other file begins like one of its own. */
export const STRICTEST = SAFETENSORS;
