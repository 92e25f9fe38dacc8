/** ONNX Runtime's packages: the WebAssembly build and the native one. */

/** As much of onnxruntime-common as is used here; the packages need not be there to compile this. */
interface OrtTensor {
  readonly data: Float32Array;
}
export interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}
export interface Ort {
  readonly env: { readonly wasm: { numThreads?: number } };
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
}

/** Options of a session of onnxruntime-web. */
export const WASM = { executionProviders: ['wasm'] };

/** Options of a session of onnxruntime-node. */
export const CPU = (threads: number) => ({
  executionProviders: ['cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
});

/** The WebAssembly build. Its number of threads is the process's: one process opens it with one number only. */
export async function loadWeb(threads: number): Promise<Ort> {
  const ort = await load(`${import.meta.resolve('onnxruntime-web')}?threads=${threads}`);
  ort.env.wasm.numThreads = threads;
  return ort;
}

export const loadNative = (): Promise<Ort> => load('onnxruntime-node');

/** `name` is not a literal, so that TypeScript does not look for the package. */
async function load(name: string): Promise<Ort> {
  const module = await import(name);
  return module.InferenceSession === undefined ? module.default : module;
}
