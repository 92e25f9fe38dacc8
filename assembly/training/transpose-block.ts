/** Transposition that writes nothing beside the result: what lies beside one head's columns are those of the next. */

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

// @ts-ignore: decorator
@inline
function transpose4(from: usize, ldFrom: usize, to: usize, ldTo: usize): void {
  const a = v128.load(from), b = v128.load(from + ldFrom);
  const c = v128.load(from + 2 * ldFrom), d = v128.load(from + 3 * ldFrom);
  const low0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), high0 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const low1 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), high1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low0, low1, 0, 2));
  v128.store(to + ldTo, v128.shuffle<i64>(low0, low1, 1, 3));
  v128.store(to + 2 * ldTo, v128.shuffle<i64>(high0, high1, 0, 2));
  v128.store(to + 3 * ldTo, v128.shuffle<i64>(high0, high1, 1, 3));
}
