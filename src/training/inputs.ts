/** Checks what a model is trained on: a batch, a list of texts of any lengths, or pairs of texts. */
import { reading } from '../ground/checks.js';
import { mismatch, within } from '../ground/errors.js';
import type { Architecture } from '../model/architecture.js';
import type { AlbertConfig } from '../model/config.js';
import { type AlbertInputs, type CheckedInputs, checkEach, checkInputs } from '../model/inputs.js';
import { HEADS } from '../model/network/heads/index.js';

/** Pairs of texts for sentence similarity, each text an input of its own: the first and the second text of each pair. */
export interface SentencePairs {
  readonly sentence1: readonly AlbertInputs[];
  readonly sentence2: readonly AlbertInputs[];
}

/**
 * As for `forward`; or a list of inputs of any lengths, which is computed without padding: each one text, or one question with its choices.
 * Pairs for AlbertModel.
 */
export type TrainingInputs = AlbertInputs | readonly AlbertInputs[] | SentencePairs;

/**
 * Copies and checks the inputs. The texts of a pair follow one another.
 *
 * @throws ERR_INPUT with the location of the first fault, ERR_TOO_LONG
 */
export function checkTrainingInputs(
  architecture: Architecture,
  config: AlbertConfig,
  inputs: TrainingInputs,
): CheckedInputs[] {
  return reading('inputs', () => {
    if (architecture === 'AlbertModel') return checkPairs(config, inputs as SentencePairs);
    const { rank } = HEADS[architecture];
    if (!Array.isArray(inputs)) return [checkInputs(inputs as AlbertInputs, config, rank)];
    if (inputs.length === 0) throw mismatch('ERR_INPUT', 'inputs', 'at least one', inputs);
    return checkSingle('inputs', checkEach(inputs, config, rank));
  });
}

function checkPairs(config: AlbertConfig, inputs: SentencePairs): CheckedInputs[] {
  if (typeof inputs !== 'object' || inputs === null || !('sentence1' in inputs)) {
    throw mismatch(
      'ERR_INPUT',
      'inputs',
      '{ sentence1, sentence2 } for AlbertModel, which is trained on pairs',
      inputs,
    );
  }
  const [first, second] = (['sentence1', 'sentence2'] as const).map((title) =>
    within(title, () => {
      const checked = checkSingle('inputs', checkEach(inputs[title], config, 2));
      if (checked.length === 0) throw mismatch('ERR_INPUT', 'inputs', 'at least one', checked);
      for (const [i, { mask }] of checked.entries()) {
        if (!mask.includes(1))
          throw mismatch('ERR_INPUT', 'attention_mask', 'a token that counts', 'none', `inputs[${i}]`);
      }
      return checked;
    }),
  ) as [CheckedInputs[], CheckedInputs[]];
  if (first.length !== second.length) {
    throw mismatch('ERR_INPUT', 'sentence2', `as many texts as sentence1, ${first.length}`, second.length);
  }
  return first.flatMap((text, i) => [text, second[i] as CheckedInputs]);
}

/** @throws ERR_INPUT unless each input of a list is one example */
function checkSingle(title: string, checked: CheckedInputs[]): CheckedInputs[] {
  for (const [i, { leading }] of checked.entries()) {
    if (leading[0] !== 1)
      throw mismatch('ERR_INPUT', 'input_ids', 'one example in each of a list', leading, `${title}[${i}]`);
  }
  return checked;
}
