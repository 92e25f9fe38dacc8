/** Forwards until the tuner has chosen its tiles, then some more: the bits of each, and those of the vectors. */
import { AlbertModel } from 'albert-wasm';

/** Products that are large enough to be timed: 64 tokens by 512 or more numbers by 512 or more. */
const CONFIG = {
  vocab_size: 64,
  embedding_size: 32,
  hidden_size: 512,
  intermediate_size: 2048,
  num_hidden_layers: 2,
  num_attention_heads: 8,
  hidden_act: 'gelu_new',
  max_position_embeddings: 64,
  type_vocab_size: 2,
};
const INPUT_IDS = { data: Int32Array.from({ length: 64 }, (_, i) => (7 * i) % 64), shape: [1, 64] };

/** Forwards with the chosen tiles. */
const MORE = 2;

async function digest({ buffer, byteOffset, byteLength }) {
  const bytes = await crypto.subtle.digest('SHA-256', new Uint8Array(buffer, byteOffset, byteLength));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function run(dtype) {
  const model = await AlbertModel.from_config(CONFIG, { seed: 1, dtype, worker: false });
  const bits = new Set();
  for (let left = MORE, forwards = 0; left > 0 && forwards < 40; forwards++) {
    if (model.info().vectorBits !== undefined) left--;
    const { last_hidden_state } = await model.forward({ input_ids: INPUT_IDS });
    bits.add(await digest(last_hidden_state.data));
  }
  const { vectorBits, whyNotWide } = model.info();
  await model.dispose();
  return { bits: [...bits], vectorBits, whyNotWide };
}

let answer;
try {
  answer = { float32: await run('float32'), int8: await run('int8') };
} catch (error) {
  answer = { error: String(error) };
}
document.querySelector('#answer').textContent = JSON.stringify(answer);
