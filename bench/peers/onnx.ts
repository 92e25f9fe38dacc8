/** ONNX Runtime, one thread: the WebAssembly build and the native one, behind the same three functions. */
import { CPU, loadNative, loadWeb, type Ort, type OrtSession, WASM } from './onnxruntime.js';
import type { Peer } from './peer.js';

/** onnxruntime-web on its WebAssembly backend. */
export async function openWeb(model: Uint8Array): Promise<Peer> {
  const ort = await loadWeb(1);
  return peer('onnxruntime-web', ort, await ort.InferenceSession.create(model, WASM));
}

/** onnxruntime-node on its CPU backend. */
export async function openNative(model: Uint8Array): Promise<Peer> {
  const ort = await loadNative();
  return peer('onnxruntime-node', ort, await ort.InferenceSession.create(model, CPU(1)));
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
