/** The gradients of embedding tables: each row of a matrix is added to the row of a table that it was gathered from. */
import { LANES, PANEL_ROW_BYTES } from "../simd";

/** table[indices[i]] += dx[i], in the order of i; columns `column` to `column + cols` of both. */
export function scatterRows(
  dx: usize, ldDx: usize, indices: usize, rows: i32, table: usize, ldTable: usize, column: i32, cols: i32,
): void {
  assert(column >= 0 && ldTable >= <usize>(column + cols) * 4);
  const offset = <usize>column << 2;
  for (; rows > 0; rows--, dx += ldDx, indices += 4) {
    let from = dx + offset, to = table + <usize>load<i32>(indices) * ldTable + offset;
    for (let vectors = cols >> 2; vectors > 0; vectors--) {
      v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
      from += 16;
      to += 16;
    }
    for (let n = cols & 3; n > 0; n--) {
      store<f32>(to, load<f32>(to) + load<f32>(from));
      from += 4;
      to += 4;
    }
  }
}

/** The same with a table in panels, `size` deep: its row is a lane. */
export function scatterPanels(
  dx: usize, ldDx: usize, indices: usize, rows: i32, panels: usize, size: i32, column: i32, cols: i32,
): void {
  assert(column >= 0 && column + cols <= size);
  for (; rows > 0; rows--, dx += ldDx, indices += 4) {
    const index = load<i32>(indices);
    let from = dx + (<usize>column << 2);
    let to = panels + (<usize>(index / LANES) * size + column) * PANEL_ROW_BYTES + (<usize>(index % LANES) << 2);
    for (let n = cols; n > 0; n--) {
      store<f32>(to, load<f32>(to) + load<f32>(from));
      from += 4;
      to += PANEL_ROW_BYTES;
    }
  }
}
