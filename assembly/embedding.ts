/** The embeddings of a run of tokens: word + token type + position, before their layer norm. */
import { panelBytesI8, weightOf } from "./gemm/i8-panel";
import { LANES, PANEL_ROW_BYTES, padded } from "./simd";

/**
 * out[i] = word[ids[i]] + type[types[i]] + position[positions[i]], one padded row a token.
 *
 * The word table is read from the panels of the tied decoder, where a token's vector is one lane of its panel: 128
 * strided loads a token cost 0.1 % of a forward, a second copy of the table 15 MB. `ids`, `types` and `positions` are
 * i32 arrays that the host has checked: an id past the table would read the neighbouring tensor, wasm does not trap.
 */
export function embed(
  ids: usize, types: usize, positions: usize, word: usize, typeTable: usize, positionTable: usize, ldTable: usize,
  out: usize, ldOut: usize, tokens: i32, size: i32,
): void {
  assert(ldOut >= <usize>padded(size) * 4 && ldTable >= <usize>size * 4);
  while (tokens > 0) {
    const id = load<i32>(ids);
    let w = word + <usize>(id / LANES) * <usize>size * PANEL_ROW_BYTES + (<usize>(id % LANES) << 2);
    let t = typeTable + <usize>load<i32>(types) * ldTable;
    let p = positionTable + <usize>load<i32>(positions) * ldTable;
    let o = out;
    let n = size;
    while (n > 0) {
      store<f32>(o, load<f32>(w) + load<f32>(t) + load<f32>(p));
      w += PANEL_ROW_BYTES;
      t += 4; p += 4; o += 4;
      n--;
    }
    ids += 4; types += 4; positions += 4;
    out += ldOut;
    tokens--;
  }
}

/** The same, the word table being the int8 panels of the tied decoder: a token's vector has one scale. */
export function embedI8(
  ids: usize, types: usize, positions: usize, word: usize, typeTable: usize, positionTable: usize, ldTable: usize,
  out: usize, ldOut: usize, tokens: i32, size: i32,
): void {
  assert(ldOut >= <usize>padded(size) * 4 && ldTable >= <usize>size * 4);
  while (tokens > 0) {
    const id = load<i32>(ids);
    const panel = word + <usize>(id / LANES) * panelBytesI8(size);
    let t = typeTable + <usize>load<i32>(types) * ldTable;
    let p = positionTable + <usize>load<i32>(positions) * ldTable;
    let o = out;
    for (let i = 0; i < size; i++) {
      store<f32>(o, weightOf(panel, i, id % LANES) + load<f32>(t) + load<f32>(p));
      t += 4; p += 4; o += 4;
    }
    ids += 4; types += 4; positions += 4;
    out += ldOut;
    tokens--;
  }
}
