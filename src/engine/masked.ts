/** What FlaxAlbert adds to the score of a masked key. In float32 it absorbs any score, so a fully masked row is uniform. */
export const MASKED = -1e10;
