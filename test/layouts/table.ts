/**
 * What becomes of each of the 57 checkpoints that `layouts.py` writes, one per layout seen on the Hub: it loads and answers its
 * task, or it is refused with a code and these words.
 */
import type { AlbertErrorCode } from '../../src/ground/errors.js';

export type Outcome =
  | { readonly answers: Task }
  | { readonly refused: AlbertErrorCode; readonly words: readonly string[] };

export type Task = 'text-classification' | 'fill-mask' | 'feature-extraction' | 'sentence-order' | 'question-answering';

const classifies: Outcome = { answers: 'text-classification' };
const fills: Outcome = { answers: 'fill-mask' };
const embeds: Outcome = { answers: 'feature-extraction' };
const refused = (code: AlbertErrorCode, ...words: string[]): Outcome => ({ refused: code, words });

export const LAYOUTS: Readonly<Record<string, Outcome>> = {
  // Formats of weights.
  'A01-hub-official-safetensors': fills,
  'A02-pytorch-bin-only': classifies,
  'A03-pytorch-bin-legacy': classifies,
  'A04-tf-only': refused('ERR_SOURCE', 'pytorch_model.bin', '["tf_model.h5"]', 'from_tf=True'),
  'A05-flax-only': classifies,
  'A06-onnx-only': refused('ERR_SOURCE', 'onnx/model.onnx', 'onnx/model_quantized.onnx', 'exported'),
  'A07-chinese-vocab-txt': fills,
  'A08-chinese-tokenizer-json': fills,
  'A09-F16': classifies,
  'A10-BF16': classifies,

  // tokenizer.json of versions.
  'B-hub2021': classifies,
  'B-v4': classifies,
  'B-v4_cased': classifies,
  'B-v5_0': classifies,
  'B-v5_now': classifies,
  'B-v5_nopre': classifies,
  'B-course': classifies,
  'B-nonorm': classifies,
  'B-nmt_nfkc': classifies,
  'B-truncpad': classifies,
  'B-masknorm': classifies,

  // Names of tensors.
  'C04-decoder-weight-and-bias': fills,
  'C05-position-ids-buffer': fills,
  'C06-model-without-prefix': embeds,
  'C07-bert-prefix': refused('ERR_PARAMETER', 'albert.embeddings.word_embeddings.weight', 'none'),
  'C08-pretraining-with-sop': { answers: 'sentence-order' },
  'C09-groups': classifies,
  'C10-mlm-without-pooler-for-features': fills,
  'C11-seq-with-3-labels-no-id2label': classifies,

  // Configurations.
  'D01-no-architectures': classifies,
  'D02-no-model-type': classifies,
  'D05-num-labels-3-but-id2label-2': refused('ERR_PARAMETER', '"id2label" counts, not "num_labels"', '[3, 16]'),
  'D06-old-keys': classifies,
  'D07-defaults-missing': refused('ERR_PARAMETER', 'no "embedding_size": 128 is taken', '[30000, 8]'),
  'D08-classifier-dropout-null': classifies,
  'D09-google-chinese-config': classifies,
  'D10-relative-positions': refused('ERR_CONFIG', 'position_embedding_type', 'relative_key'),
  'D11-regression': classifies,
  'D12-one-label-no-problem-type': classifies,
  'D13-multi-label': classifies,
  'D14-gelu-python': classifies,
  'D15-qa-three-labels': refused('ERR_CONFIG', 'num_labels', '3'),
  'D16-config-of-bert': refused('ERR_CONFIG', 'model_type', 'bert'),
  'D17-id2label-sparse-keys': refused('ERR_CONFIG', 'id2label', '["1", "2"]'),

  // Settings of tokenizers.
  'E01-cased-keep-accents': classifies,
  'E02-length-1e30': classifies,
  'E03-old-max-len': classifies,
  'E04-only-special-tokens-map': classifies,
  'E05-no-tokenizer-config': classifies,
  'E06-remove-space-false': classifies,
  'E07-null-values': classifies,
  'E08-v5-config': classifies,

  // Other files.
  'F03-user-added-words': fills,
  'F04-identity-normalizer': classifies,
  'F05-spiece-under-other-name': refused('ERR_SOURCE', 'tokenizer.json, spiece.model or vocab.txt', 'none of them'),
  'F07-tokenizer-json-user-words': fills,
  'G01-sentence-transformers-cls-normalize': embeds,
};
