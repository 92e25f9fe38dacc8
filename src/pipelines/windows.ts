/** Which of the windows over a long text decides about each piece. */

/**
 * The pieces `[from, to)` that each window decides, so that all windows together decide each piece once: of the `stride`
 * pieces that two neighbours share, each decides the half that lies further from its edge.
 *
 * @param lengths each window's pieces
 */
export function decidedPieces(lengths: readonly number[], stride: number): [from: number, to: number][] {
  const half = Math.floor(stride / 2);
  return lengths.map((length, i) => [i === 0 ? 0 : stride - half, i === lengths.length - 1 ? length : length - half]);
}
