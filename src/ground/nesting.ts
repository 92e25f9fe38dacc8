/** The depth of a JSON value: functions that copy, send or write a value of an untrusted file recurse as deep as it is nested. */

/** Whether arrays and objects are nested more than `most` levels deep. */
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
