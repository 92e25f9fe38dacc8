/** Which class a checkpoint was made for. */
import type { Checkpoint } from '../weights/checkpoint.js';
import type { Architecture } from './heads/index.js';

/**
 * The class whose head a checkpoint has; where several have it, the one that its configuration names.
 *
 * @param named the configuration's `architectures`, or all of its text
 */
export function architectureOf({ tensors }: Checkpoint, named: string): Architecture {
  const has = (module: string) => [...tensors.keys()].some((name) => name.split(/[./]/).includes(module));
  if (has('sop_classifier')) return 'AlbertForPreTraining';
  if (has('predictions')) return 'AlbertForMaskedLM';
  if (has('qa_outputs')) return 'AlbertForQuestionAnswering';
  if (!has('classifier')) return 'AlbertModel';
  if (named.includes('AlbertForMultipleChoice')) return 'AlbertForMultipleChoice';
  // It alone has no pooler, and may keep the one of its pre-training.
  if (!has('pooler') || named.includes('AlbertForTokenClassification')) return 'AlbertForTokenClassification';
  return 'AlbertForSequenceClassification';
}
