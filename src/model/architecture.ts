/** The classes by name, and which of them a checkpoint was made for. */
import type { Checkpoint } from '../weights/checkpoint.js';

/** FlaxAlbert's classes: the names that a checkpoint's `architectures` gives. */
export type Architecture =
  | 'AlbertModel'
  | 'AlbertForPreTraining'
  | 'AlbertForMaskedLM'
  | 'AlbertForSequenceClassification'
  | 'AlbertForMultipleChoice'
  | 'AlbertForTokenClassification'
  | 'AlbertForQuestionAnswering';

/**
 * The class whose head a checkpoint has; where several have it, the one that its configuration names.
 *
 * @param architectures what the configuration says under this name, whatever it is
 */
export function architectureOf({ tensors }: Checkpoint, architectures: unknown): Architecture {
  const named = (name: Architecture) =>
    [architectures].flat().some((text) => typeof text === 'string' && text.includes(name));
  const has = (module: string) => [...tensors.keys()].some((name) => name.split(/[./]/).includes(module));
  if (has('sop_classifier')) return 'AlbertForPreTraining';
  if (has('predictions')) return 'AlbertForMaskedLM';
  if (has('qa_outputs')) return 'AlbertForQuestionAnswering';
  if (!has('classifier')) return 'AlbertModel';
  if (named('AlbertForMultipleChoice')) return 'AlbertForMultipleChoice';
  // It alone has no pooler, and may keep the one of its pre-training.
  if (!has('pooler') || named('AlbertForTokenClassification')) return 'AlbertForTokenClassification';
  return 'AlbertForSequenceClassification';
}
