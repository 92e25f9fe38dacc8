/** The gradients of embedding tables: each row of a matrix is added to the row of a table that it was gathered from. */
import { LANES, PANEL_ROW_BYTES, at } from "../layout";

/** table[indices[i]] += dx[i], in the order of i; columns `column` to `column + cols` of both. */
export function scatterRows(
  dx: usize, ldDx: usize, indices: usize, rows: i32, table: usize, ldTable: usize, column: i32, cols: i32,
): void {
  for (let i = 0; i < rows; i++, dx += ldDx) {
    const row = table + <usize>load<i32>(at(indices, i)) * ldTable;
    for (let j = column; j < column + cols; j++) store<f32>(at(row, j), load<f32>(at(row, j)) + load<f32>(at(dx, j)));
  }
}

/** The same with a table in panels, `size` deep: its row is a lane. */
export function scatterPanels(
  dx: usize, ldDx: usize, indices: usize, rows: i32, panels: usize, size: i32, column: i32, cols: i32,
): void {
  for (let i = 0; i < rows; i++, dx += ldDx) {
    const index = load<i32>(at(indices, i));
    const lane = at(panels + <usize>(index / LANES) * <usize>size * PANEL_ROW_BYTES, index % LANES);
    for (let j = column; j < column + cols; j++) {
      const to = lane + <usize>j * PANEL_ROW_BYTES;
      store<f32>(to, load<f32>(to) + load<f32>(at(dx, j)));
    }
  }
}
