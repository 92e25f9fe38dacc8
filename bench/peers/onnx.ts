/** ONNX Runtime, one thread: the WebAssembly build and the native one, behind the same three functions. */
import type { Peer } from './peer.js';

/** As much of onnxruntime-common as is used here; the packages need not be there to compile this. */
interface OrtTensor {
  readonly data: Float32Array;
}
interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}
interface Ort {
  readonly env: { readonly wasm: { numThreads?: number } };
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<OrtSession>;
  };
}

/** onnxruntime-web on its WebAssembly backend. */
export async function openWeb(model: Uint8Array): Promise<Peer> {
  const ort = await load('onnxruntime-web/wasm');
  ort.env.wasm.numThreads = 1;
  return peer('onnxruntime-web', ort, await ort.InferenceSession.create(model, { executionProviders: ['wasm'] }));
}

/** onnxruntime-node on its CPU backend. */
export async function openNative(model: Uint8Array): Promise<Peer> {
  const ort = await load('onnxruntime-node');
  const options = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1 };
  return peer('onnxruntime-node', ort, await ort.InferenceSession.create(model, options));
}

/** `name` is not a literal, so that TypeScript does not look for the package. */
async function load(name: string): Promise<Ort> {
  const module = await import(name);
  return module.InferenceSession === undefined ? module.default : module;
}

function peer(name: string, ort: Ort, session: OrtSession): Peer {
  return {
    name,
    prepare(ids, { batch, seq }) {
      const tensor = (values: Int32Array) => new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [batch, seq]);
      const feeds = {
        input_ids: tensor(ids),
        attention_mask: tensor(new Int32Array(ids.length).fill(1)),
        token_type_ids: tensor(new Int32Array(ids.length)),
      };
      return async () => {
        const { last_hidden_state: state } = await session.run(feeds);
        if (state === undefined) throw new Error(`${name} returned no last_hidden_state`);
        return state.data;
      };
    },
    release: () => session.release(),
  };
}
