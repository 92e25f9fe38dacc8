/** FlaxAlbert's seven models in float64: a batch in, the output fields out, as flat arrays in FlaxAlbert's order. */
import { type Encoded, encode, linear, type Model, matrix, norm, type Sequence, vector } from './encoder.js';
import { ACT2FN, dense, type Rows } from './operations.js';

export type HeadName =
  | 'model'
  | 'pretraining'
  | 'masked_lm'
  | 'sequence_classification'
  | 'multiple_choice'
  | 'token_classification'
  | 'question_answering';

/** Fields by name; `hidden_states.0`, `attentions.0` and so on for those that FlaxAlbert returns as tuples. */
export type Fields = ReadonlyMap<string, Float64Array>;

/** FlaxAlbertOnlyMLMHead: dense, activation, layer norm, then a logit for each word; tied weights are the word table. */
function wordLogits(model: Model, hidden: Rows): Rows {
  const { hidden_act, tie_word_embeddings } = model.config;
  const { incoming = (row) => row } = model;
  const transformed = linear(model, 'predictions.dense', hidden).map((row) => row.map(ACT2FN[hidden_act]!));
  const normed = norm(model, 'predictions.LayerNorm', transformed);
  const table = tie_word_embeddings ? 'albert.embeddings.word_embeddings.weight' : 'predictions.decoder.weight';
  return dense(
    normed.map((row) => incoming(row, table)),
    matrix(model, table),
    vector(model, 'predictions.bias'),
  );
}

/** A head's last dense layer: of a few labels, and so never in int8. */
function classify(model: Model, name: string, x: Rows): Rows {
  return dense(x, matrix(model, `${name}.weight`), vector(model, `${name}.bias`));
}

/** The head's fields of one sequence. */
function headFields(model: Model, head: HeadName, { hiddenStates }: Encoded): Record<string, Rows> {
  const hidden = hiddenStates.at(-1)!;
  /** The first token's state through a dense layer and tanh. */
  const pooled = () => linear(model, `${model.prefix}pooler`, [hidden[0]!]).map((row) => row.map(Math.tanh));
  const column = (rows: Rows, j: number) => rows.map((row) => [row[j]!]);
  switch (head) {
    case 'model':
      return { last_hidden_state: hidden, pooler_output: pooled() };
    case 'pretraining':
      return {
        prediction_logits: wordLogits(model, hidden),
        sop_logits: classify(model, 'sop_classifier.classifier', pooled()),
      };
    case 'masked_lm':
      return { logits: wordLogits(model, hidden) };
    case 'sequence_classification':
    case 'multiple_choice':
      return { logits: classify(model, 'classifier', pooled()) };
    case 'token_classification':
      return { logits: classify(model, 'classifier', hidden) };
    case 'question_answering': {
      const both = classify(model, 'qa_outputs', hidden);
      return { start_logits: column(both, 0), end_logits: column(both, 1) };
    }
  }
}

/** All output fields of a batch, hidden states and attentions among them. */
export function forward(model: Model, head: HeadName, batch: readonly Sequence[]): Fields {
  const parts = new Map<string, Rows[]>();
  const collect = (name: string, rows: Rows) => {
    parts.set(name, [...(parts.get(name) ?? []), rows]);
  };
  for (const sequence of batch) {
    const encoded = encode(model, sequence);
    for (const [name, rows] of Object.entries(headFields(model, head, encoded))) collect(name, rows);
    for (const [i, rows] of encoded.hiddenStates.entries()) collect(`hidden_states.${i}`, rows);
    for (const [i, heads] of encoded.attentions.entries()) collect(`attentions.${i}`, heads.flat());
  }
  return new Map([...parts].map(([name, rows]) => [name, Float64Array.from(rows.flat(2))]));
}
