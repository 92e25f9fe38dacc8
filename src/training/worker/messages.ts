/** What a worker that trains is called with, and what it answers. */
import type { FineTuneSettings, FineTuning } from '../fine-tune-here.js';

/** What a worker that trains is started with. */
export interface TrainingStart {
  readonly kind: 'training';
}

/** A request in a message: only the name of the source is sent, its files are read by calls. */
export interface SentRequest {
  readonly sourceName: string;
  readonly settings: FineTuneSettings;
}

/** What came of it, the files as they are transferred. */
export type SentResult = Omit<FineTuning, 'files'> & { readonly files: Readonly<Record<string, Uint8Array>> };
