/** What holds for single UTF-16 units, each tested once: an expression at every index of a text takes several times as long. */

/** Remembers for every unit whether `holds`. The table is made when the first unit is asked for. */
export function unitTable(holds: (unit: number) => boolean): (unit: number) => boolean {
  let known: Uint8Array | undefined;
  return (unit) => {
    known ??= new Uint8Array(1 << 16);
    if (known[unit] === UNKNOWN) known[unit] = holds(unit) ? YES : NO;
    return known[unit] === YES;
  };
}

const [UNKNOWN, NO, YES] = [0, 1, 2];

/** Whether a unit is half of a character beyond U+FFFF. */
export function isSurrogate(unit: number): boolean {
  return (unit & 0xf800) === 0xd800;
}
