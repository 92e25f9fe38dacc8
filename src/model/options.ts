/** What callers may ask of a model, and what it reports of itself. */

import type { Build } from '../engine/kernels.js';
import { checkMaxMemoryBytes } from '../engine/memory.js';
import { MAX_THREADS, type RuntimeOptions } from '../engine/runtime.js';
import { reading } from '../ground/checks.js';
import { codeUrl } from '../ground/code-url.js';
import { DTYPES, type Dtype, type SavedDtype } from '../ground/dtypes.js';
import { mismatch } from '../ground/errors.js';
import { checkOptions, type OptionNames } from '../ground/options.js';
import { isA } from '../ground/realm.js';
import { SOURCE_OPTIONS, type SourceOptions } from '../ground/source-options.js';
import type { Tensor } from '../ground/tensor.js';

/** Other names of dtypes. */
const SYNONYMS: Readonly<Record<string, Dtype>> = { fp32: 'float32', q8: 'int8' };

/** How a model is made, whatever its weights come from. */
export interface InitOptions {
  /**
   * How the large weight matrices are stored and multiplied. `int8`: less than a third of the memory, one scale per channel,
   * activations quantised on their way in; docs/int8-format.md lists what stays float32. Default: `int8` for a checkpoint
   * that is stored in int8, `float32` for any other. `q8` and `fp32`, transformers.js's names for the two, are accepted too;
   * `info()` reports `int8` or `float32`.
   */
  readonly dtype?: Dtype | 'fp32' | 'q8';
  /**
   * Threads that compute one forward, including the calling thread; the others are helpers, which `dispose` ends. `auto`: half
   * of the processors, but at least 2 where there are 2, and at most 4. Default: 1. Answers are the same bit for bit.
   */
  readonly threads?: number | 'auto';
  /**
   * Whether the model runs in a worker of its own, so that a forward leaves the calling thread free; everything but `params`
   * works as without a worker. Default: true in a page where a worker is available, otherwise false.
   */
  readonly worker?: boolean;
  /**
   * The kernels to run; default: the fastest that this engine supports. Threads need a build for shared memory. Ignored
   * where WebAssembly may not run. In Node a string must be a `file:` URL; other URLs are accepted as URL objects only.
   */
  readonly wasmUrl?: string | URL;
  /** The workers' file, if the package's `worker.js` is not where the package put it; strings as for `wasmUrl`. */
  readonly workerUrl?: string | URL;
  /**
   * `wide`: let V8 compute with 256-bit vectors, in Node 24 or later on x64, with relaxed SIMD. An experiment of V8 and a flag of the
   * whole process, also of code that is not this library's; off by default. To be given with the first model of a process: what is
   * optimised before stays as it is. `info()` reports `vectorBits`, and `whyNotWide` if they are not 256. Answers are the same bit for bit.
   */
  readonly engineFlags?: 'wide' | undefined;
  /** The most bytes that the model's memory may grow to; default: 1 GiB, at most 4 GiB. */
  readonly maxMemoryBytes?: number;
}

export const INIT_OPTIONS: OptionNames<InitOptions> = {
  dtype: true,
  threads: true,
  worker: true,
  wasmUrl: true,
  workerUrl: true,
  engineFlags: true,
  maxMemoryBytes: true,
};

/** How a model is made from a source, and how the source is read. */
export interface LoadOptions extends InitOptions, SourceOptions {
  /** Whether a checkpoint without the weights of this head is an error instead of a warning. Default: false. */
  readonly strict?: boolean;
  /** Called with a warning when the checkpoint lacks head weights, which are initialised then. Default: `console.warn`. */
  readonly onWarning?: (message: string) => void;
}

export const LOAD_OPTIONS: OptionNames<LoadOptions> = {
  ...INIT_OPTIONS,
  ...SOURCE_OPTIONS,
  strict: true,
  onWarning: true,
};

const NO_ONNX = "checkpoints are safetensors, Flax's or PyTorch's, not ONNX";

/** Names of options of transformers.js, and what this library has instead. */
export const OPTIONS_ELSEWHERE: Readonly<Record<string, string>> = {
  device: 'the library runs on WebAssembly',
  quantized: 'dtype: "int8" quantises',
  progress_callback: 'here onProgress',
  subfolder: NO_ONNX,
  model_file_name: NO_ONNX,
  use_external_data_format: NO_ONNX,
  session_options: NO_ONNX,
};

/** Named tensors, as `params` of a model returns them, or as an object. */
export type Params = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** What one forward computes and returns besides a head's own fields. */
export interface ForwardOptions {
  /** Return the attention weights of every layer. */
  readonly output_attentions?: boolean;
  /** Return the hidden states after every layer. */
  readonly output_hidden_states?: boolean;
  /** `false`: return an array in FlaxAlbert's order instead of named fields. Default: true. */
  readonly return_dict?: boolean;
  /** Apply dropout where FlaxAlbert does, at its rates. */
  readonly train?: boolean;
  /** The seed of the dropout masks: the same seed drops the same elements. */
  readonly dropout_rng?: number;
  /** Other parameters for this call, by the names that `params` has. */
  readonly params?: Params;
  /** Stops the forward before its next layer. */
  readonly signal?: AbortSignal;
}

const FORWARD_OPTIONS: OptionNames<ForwardOptions> = {
  output_attentions: true,
  output_hidden_states: true,
  return_dict: true,
  train: true,
  dropout_rng: true,
  params: true,
  signal: true,
};

const FORWARD_SWITCHES = ['output_attentions', 'output_hidden_states', 'return_dict', 'train'] as const;

/** @throws ERR_INPUT naming the option */
export function checkForwardOptions(given: ForwardOptions | undefined): ForwardOptions {
  const options = checkOptions(given, FORWARD_OPTIONS);
  for (const name of FORWARD_SWITCHES) {
    const value = options[name];
    if (value !== undefined && typeof value !== 'boolean') throw mismatch('ERR_INPUT', name, 'true or false', value);
  }
  return options;
}

/** How a checkpoint is written. */
export interface SaveOptions {
  /** `model.safetensors` with PyTorch's names (the default), or `flax_model.msgpack` with Flax's tree. */
  readonly format?: 'safetensors' | 'flax_msgpack';
  /** The stored type of the numbers; default: `float32`. `int8` applies to the large matrices, in safetensors only. */
  readonly dtype?: SavedDtype;
}

export const SAVE_OPTIONS: OptionNames<SaveOptions> = { format: true, dtype: true };

/** @throws ERR_INPUT unless this is a path or a `file:` URL */
export function checkDirectory(directory: string | URL): void {
  const valid = reading('directory', () =>
    isA('URL', directory) ? directory.protocol === 'file:' : typeof directory === 'string' && directory !== '',
  );
  if (!valid) throw mismatch('ERR_INPUT', 'directory', 'a path or a file: URL', directory);
}

/** What FlaxAlbert adds to a head's fields when asked to. */
export interface CommonOutput {
  readonly hidden_states?: readonly Tensor<Float32Array>[];
  readonly attentions?: readonly Tensor<Float32Array>[];
}

/** A head's fields in FlaxAlbert's order, without names. */
export type FieldArray = (Tensor<Float32Array> | readonly Tensor<Float32Array>[])[];

/** What runs a model, and how much memory it takes. */
export interface ModelInfo {
  readonly dtype: Dtype;
  /** Threads that compute one forward. */
  readonly threads: number;
  /** Why there is one thread although more were asked for. */
  readonly whyNotThreaded?: string;
  /**
   * Workers that hold the model; 0 if it runs on the calling thread. Where threads were asked for and memory cannot be shared,
   * there are several, each with its own weights, which share the inputs of a call.
   */
  readonly workers: number;
  /** Why it runs on the thread of a page or a service worker although the caller did not ask for that. */
  readonly whyNoWorker?: string;
  readonly kernels: Build;
  /** Why the kernels are `scalar`, many times slower, if the caller did not choose them: what this engine lacks or refuses. */
  readonly whyNotSimd?: string;
  /**
   * Bits that an int8 model quantises activations to: 13 without relaxed SIMD; with it 8 where the machine multiplies that exactly,
   * found by a product at load, and 7 elsewhere. Absent in float32.
   */
  readonly activationBits?: 7 | 8 | 13;
  /**
   * Bits of the vectors that compute the products of the large matrices: 256 if V8 pairs vectors, found by timing the first large
   * products. Absent until then, and without SIMD.
   */
  readonly vectorBits?: 128 | 256;
  /**
   * Why vectors are not of 256 bits although `engineFlags` asks for them: V8's flag cannot be set, the kernels have no SIMD, or nothing
   * became faster by the flag, which is known once products have been timed.
   */
  readonly whyNotWide?: string;
  /** Bytes of the packed weights. */
  readonly weightBytes: number;
  /** Bytes of the model's memory: weights, constants and the activations of the largest forward so far. */
  readonly memoryBytes: number;
}

/** Where a checkpoint's tensors ended up. */
export interface LoadReport {
  /** Head weights that the checkpoint lacks, initialised as FlaxAlbert does. */
  readonly initialized: readonly string[];
  /** Tensors of the checkpoint that this model does not use. */
  readonly ignored: readonly string[];
  /** What was read; absent for a model with random parameters. */
  readonly checkpoint?: CheckpointInfo;
}

/** A checkpoint as it is stored. */
export interface CheckpointInfo {
  readonly format: 'safetensors' | 'flax_msgpack' | 'pytorch';
  /** The dtypes of its tensors, the most frequent first: `F32`, `BF16`, `I8`, … */
  readonly dtypes: readonly string[];
  /** The class that the checkpoint was made for: `AlbertForMaskedLM`, … */
  readonly architecture: string;
}

/** @throws ERR_INPUT for an unknown dtype, a limit that is not a positive number, an invalid number of threads, … */
export function checkInitOptions(options: InitOptions): RuntimeOptions & { dtype?: Dtype; worker?: boolean } {
  const { threads = 1, worker } = options;
  const dtype = checkDtype(options.dtype);
  const maxMemoryBytes = checkMaxMemoryBytes(options.maxMemoryBytes);
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
    throw mismatch('ERR_INPUT', 'threads', `an integer from 1 to ${MAX_THREADS}, or "auto"`, threads);
  }
  if (worker !== undefined && typeof worker !== 'boolean')
    throw mismatch('ERR_INPUT', 'worker', 'true or false', worker);
  const { engineFlags } = options;
  if (engineFlags !== undefined && engineFlags !== 'wide')
    throw mismatch('ERR_INPUT', 'engineFlags', '"wide"', engineFlags);
  const [wasmUrl, workerUrl] = [codeUrl('wasmUrl', options.wasmUrl), codeUrl('workerUrl', options.workerUrl)];
  return { dtype, maxMemoryBytes, threads, worker, engineFlags, wasmUrl, workerUrl };
}

function checkDtype(dtype: InitOptions['dtype']): Dtype | undefined {
  const known = typeof dtype === 'string' && Object.hasOwn(SYNONYMS, dtype) ? SYNONYMS[dtype] : (dtype as Dtype);
  if (known !== undefined && !DTYPES.includes(known)) {
    throw mismatch('ERR_INPUT', 'dtype', DTYPES.join(' or '), dtype);
  }
  return known;
}

/** Dropout needs its seed. */
export function checkDropout({ train = false, dropout_rng }: ForwardOptions): void {
  if (train && dropout_rng === undefined) {
    throw mismatch('ERR_INPUT', 'dropout_rng', 'a seed, since train is true', 'none');
  }
  if (dropout_rng !== undefined) checkSeed('dropout_rng', dropout_rng);
}

/** The options of a call of several inputs. @throws ERR_INPUT for `train` */
export function withoutTrain(options: ForwardOptions): ForwardOptions {
  if (options.train) throw mismatch('ERR_INPUT', 'train', 'false for several inputs; forward takes it', options.train);
  checkDropout(options);
  return options;
}

/** @throws ERR_INPUT unless the seed is a non-negative integer */
export function checkSeed(title: string, seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) throw mismatch('ERR_INPUT', title, 'a non-negative integer', seed);
}
