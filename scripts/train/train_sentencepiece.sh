#!/bin/sh
# Trains the SentencePiece unigram model: train_sentencepiece.sh DATA
# Reads DATA/sentencepiece_sample.txt, writes DATA/spiece.model and DATA/spiece.vocab.
set -eu

data=${1:?usage: train_sentencepiece.sh DATA}

spm_train \
  --input="$data/sentencepiece_sample.txt" \
  --model_prefix="$data/spiece" \
  --model_type=unigram \
  --vocab_size="${VOCAB_SIZE:-16000}" \
  --character_coverage=0.9999 \
  --pad_id=0 --pad_piece='<pad>' \
  --unk_id=1 --unk_piece='<unk>' \
  --bos_id=-1 --eos_id=-1 \
  --control_symbols='[CLS],[SEP],[MASK]' \
  --input_sentence_size=600000 --shuffle_input_sentence=true \
  --max_sentence_length=4192 \
  --num_threads=2
