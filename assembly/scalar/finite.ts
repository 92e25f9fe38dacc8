/** Whether numbers are finite, without SIMD. */
import { at } from "./layout";

/** Whether none of `n` floats is NaN or infinite: both have an exponent of all ones. */
export function allFinite(x: usize, n: i32): bool {
  for (let i = 0; i < n; i++) if ((load<i32>(at(x, i)) & 0x7f800000) == 0x7f800000) return false;
  return true;
}
