/** Transposition that writes nothing beside the result: what lies beside one head's columns are those of the next. */
import { transpose4 } from "../transpose";

/** to = fromᵀ for a (rows, cols) matrix; rows of the result are `ldTo` bytes apart. */
export function transposeBlock(from: usize, ldFrom: usize, rows: i32, cols: i32, to: usize, ldTo: usize): void {
  const wholeRows = rows & ~3, wholeCols = cols & ~3;
  for (let i = 0; i < wholeRows; i += 4) {
    const row = from + ldFrom * i, column = to + (<usize>i << 2);
    for (let j = 0; j < wholeCols; j += 4) transpose4(row + (<usize>j << 2), ldFrom, column + ldTo * j, ldTo);
    for (let j = wholeCols; j < cols; j++) copyColumn(row + (<usize>j << 2), ldFrom, column + ldTo * j, 4);
  }
  for (let j = 0; j < cols; j++) {
    copyColumn(from + ldFrom * wholeRows + (<usize>j << 2), ldFrom, to + ldTo * j + (<usize>wholeRows << 2), rows - wholeRows);
  }
}

// @ts-ignore: decorator
@inline
function copyColumn(from: usize, ldFrom: usize, to: usize, n: i32): void {
  for (; n > 0; n--) {
    store<f32>(to, load<f32>(from));
    from += ldFrom;
    to += 4;
  }
}
