/** How deep a value of JSON goes: what is kept of a stranger's file is copied, sent and written by functions as deep as it is. */

/** Whether arrays and objects lie in each other more than `most` times. */
export function nestsDeeper(value: unknown, most: number): boolean {
  let level = [value].filter(isObject);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > most) return true;
    level = level.flatMap((item) => Object.values(item)).filter(isObject);
  }
  return false;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
