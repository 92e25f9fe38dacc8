/** The pieces of one text, without the special tokens of the template. */
export interface Pieces {
  readonly ids: number[]; // (pieces)
  /** The vocabulary's spelling; for an unknown piece, the normalised text that is unknown. */
  readonly tokens: string[]; // (pieces)
  /** Piece `i` came from `[starts[i], ends[i])` of the caller's string, in UTF-16 units. */
  readonly starts: number[]; // (pieces)
  readonly ends: number[]; // (pieces)
  /** The word that piece `i` came from, where the caller gave words. */
  readonly words?: number[]; // (pieces)
}

export function appendPiece(pieces: Pieces, id: number, token: string, start: number, end: number): void {
  pieces.ids.push(id);
  pieces.tokens.push(token);
  pieces.starts.push(start);
  pieces.ends.push(end);
}
