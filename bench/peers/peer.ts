/** What every contestant of the peers' bench is to it, ours included. */
import type { Shape } from '../albert-base.js';

export interface Peer {
  readonly name: string;
  /** Makes ready to run the model on these ids: a function that returns the last hidden state. */
  prepare(ids: Int32Array, shape: Shape): () => Promise<Float32Array>;
  release(): Promise<void>;
}
