/** The embeddings of a batch of tokens: word + token type + position. */
import { panelBytesI8, weightOf } from "./gemm-i8";
import { LANES, PANEL_ROW_BYTES, at } from "./layout";

/** out[i] = word[ids[i]] + type[types[i]] + position[positions[i]]; the vector of a token is one lane of a panel. */
export function embed(
  ids: usize, types: usize, positions: usize, word: usize, typeTable: usize, positionTable: usize, ldTable: usize,
  out: usize, ldOut: usize, tokens: i32, size: i32,
): void {
  for (let i = 0; i < tokens; i++, out += ldOut) {
    const id = load<i32>(at(ids, i));
    const panel = word + <usize>(id / LANES) * <usize>size * PANEL_ROW_BYTES;
    for (let j = 0; j < size; j++) store<f32>(at(out, j), load<f32>(at(panel, j * LANES + id % LANES)));
    addTables(load<i32>(at(types, i)), load<i32>(at(positions, i)), typeTable, positionTable, ldTable, out, size);
  }
}

/** The same with a word table of int8 panels. */
export function embedI8(
  ids: usize, types: usize, positions: usize, word: usize, typeTable: usize, positionTable: usize, ldTable: usize,
  out: usize, ldOut: usize, tokens: i32, size: i32,
): void {
  for (let i = 0; i < tokens; i++, out += ldOut) {
    const id = load<i32>(at(ids, i));
    const panel = word + <usize>(id / LANES) * panelBytesI8(size);
    for (let j = 0; j < size; j++) store<f32>(at(out, j), weightOf(panel, j, id % LANES));
    addTables(load<i32>(at(types, i)), load<i32>(at(positions, i)), typeTable, positionTable, ldTable, out, size);
  }
}

function addTables(type: i32, position: i32, typeTable: usize, positionTable: usize, ldTable: usize, out: usize, size: i32): void {
  const t = typeTable + <usize>type * ldTable, p = positionTable + <usize>position * ldTable;
  for (let j = 0; j < size; j++) store<f32>(at(out, j), load<f32>(at(out, j)) + load<f32>(at(t, j)) + load<f32>(at(p, j)));
}
