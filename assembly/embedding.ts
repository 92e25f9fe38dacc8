/** The embeddings of a batch of tokens: word + token type + position, before their layer normalisation. */
import { panelBytesI8, weightOf } from "./gemm/i8-panel";
import { LANES, PANEL_ROW_BYTES, padded } from "./simd";

/**
 * out[i] = word[ids[i]] + type[types[i]] + position[positions[i]], one padded row per token.
 *
 * The word table is read from the panels of the tied decoder, where the vector of a token is one lane of its panel: 128
 * strided loads per token cost 0.1 % of a forward, a second copy of the table would cost 15 MB. `ids`, `types` and
 * `positions` are i32 arrays that the host has checked: WebAssembly does not trap for an id past the table, it would read
 * the next tensor.
 */
export function embed(
  ids: usize, types: usize, positions: usize, word: usize, typeTable: usize, positionTable: usize, ldTable: usize,
  out: usize, ldOut: usize, tokens: i32, size: i32,
): void {
  gather(false, ids, types, positions, word, typeTable, positionTable, ldTable, out, ldOut, tokens, size);
}

/** The same with a word table of int8 panels, where the vector of a token has one scale. */
export function embedI8(
  ids: usize, types: usize, positions: usize, word: usize, typeTable: usize, positionTable: usize, ldTable: usize,
  out: usize, ldOut: usize, tokens: i32, size: i32,
): void {
  gather(true, ids, types, positions, word, typeTable, positionTable, ldTable, out, ldOut, tokens, size);
}

/** Either of the two; `int8` is a constant wherever this is inlined. */
// @ts-ignore: decorator
@inline
function gather(
  int8: bool, ids: usize, types: usize, positions: usize, word: usize, typeTable: usize, positionTable: usize,
  ldTable: usize, out: usize, ldOut: usize, tokens: i32, size: i32,
): void {
  assert(ldOut >= <usize>padded(size) * 4 && ldTable >= <usize>size * 4);
  const panelBytes = int8 ? panelBytesI8(size) : <usize>size * PANEL_ROW_BYTES;
  while (tokens > 0) {
    const id = load<i32>(ids), lane = id % LANES;
    const panel = word + <usize>(id / LANES) * panelBytes;
    let t = typeTable + <usize>load<i32>(types) * ldTable;
    let p = positionTable + <usize>load<i32>(positions) * ldTable;
    let o = out;
    for (let i = 0; i < size; i++) {
      const w = int8 ? weightOf(panel, i, lane) : load<f32>(panel + <usize>i * PANEL_ROW_BYTES + (<usize>lane << 2));
      store<f32>(o, w + load<f32>(t) + load<f32>(p));
      t += 4; p += 4; o += 4;
    }
    ids += 4; types += 4; positions += 4;
    out += ldOut;
    tokens--;
  }
}
