/** How deep a value of JSON goes: what is kept of a stranger's file is copied, sent and written by functions as deep as it is. */

/** Whether arrays and objects lie in each other more than `most` times. */
export function nestsDeeper(value: unknown, most: number): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    const within = level.filter((item): item is object => typeof item === 'object' && item !== null);
    level = within.flatMap((item) => Object.values(item));
  }
  return false;
}
