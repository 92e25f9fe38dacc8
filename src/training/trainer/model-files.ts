/** A model's weights as files and back: what is saved of a trained model, and how a model takes over saved weights. */
import { pathUrl } from '#platform';
import { mismatch } from '../../ground/errors.js';
import { openSource } from '../../ground/source.js';
import type { Tensor } from '../../ground/tensor.js';
import { matchCheckpoint, matchParams } from '../../model/parameters/match.js';
import { type ParameterSource, packWeights, readParameter, stagingFloats } from '../../model/parameters/pack.js';
import { encodeModel } from '../../model/parameters/save.js';
import type { Parameter } from '../../model/parameters/table.js';
import type { ModelAccess } from '../../model/runners/local.js';
import { LENGTHS, MODULES } from '../../pipelines/sentence-files.js';
import { AlbertTokenizer } from '../../tokenizer/tokenizer.js';
import { openCheckpoint } from '../../weights/open.js';
import { RARE_READERS } from '../../weights/rare.js';
import { trainableModel } from '../access.js';
import type { AnyModel } from '../tasks/task.js';

/**
 * Everything that a directory of the model needs: configuration, weights, the tokenizer's files, and for sentence similarity those
 * of sentence-transformers.
 *
 * @throws ERR_PARAMETER for a number that is not finite: nothing else notices what the last step has done
 * @param embeds present for a model of embeddings, which are means, scaled to length 1
 */
export async function modelFiles(
  model: AnyModel,
  tokenizer: AlbertTokenizer,
  embeds: { readonly max_seq_length: number } | undefined,
): Promise<Map<string, Uint8Array>> {
  const files = await trainableModel(model).exclusive(({ engine, layout, config, architecture }) => {
    for (const parameter of layout.parameters) checkFinite(parameter.name, readParameter(engine, parameter));
    return encodeModel(engine, layout.parameters, { ...config, architectures: [architecture] }, {});
  });
  for (const [name, bytes] of await AlbertTokenizer.filesOf(tokenizer)) files.set(name, bytes);
  if (embeds === undefined) return files;
  const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
  const module = (idx: number, path: string, type: string) => ({
    idx,
    name: String(idx),
    path,
    type: `sentence_transformers.models.${type}`,
  });
  // Its loss saw angles alone: with vectors of length 1, dot products are cosines.
  const modules = [
    module(0, '', 'Transformer'),
    module(1, '1_Pooling', 'Pooling'),
    module(2, '2_Normalize', 'Normalize'),
  ];
  files.set(MODULES, json(modules));
  files.set(LENGTHS[0] as string, json({ max_seq_length: embeds.max_seq_length, do_lower_case: false }));
  files.set(
    '1_Pooling/config.json',
    json({
      word_embedding_dimension: model.config.hidden_size,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: true,
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    }),
  );
  return files;
}

function checkFinite(name: string, { data }: Tensor<Float32Array>): void {
  const broken = data.find((value) => !Number.isFinite(value));
  if (broken === undefined) return;
  throw mismatch('ERR_PARAMETER', name, 'finite numbers after training: a lower learning_rate may help', broken);
}

/** Replaces a model's weights by those that a checkpoint in a directory has. @throws ERR_PARAMETER, ERR_CHECKPOINT, ERR_SOURCE */
export async function readWeights(model: AnyModel, directory: string, signal?: AbortSignal): Promise<void> {
  const checkpoint = await openCheckpoint(await openSource(pathUrl(`${directory}/`)), { ...RARE_READERS, signal });
  try {
    await trainableModel(model).exclusive(async (access) => {
      const { parameters } = access.layout;
      const matching = { strict: true, architecture: access.architecture, made: access.architecture, doubts: [] };
      // Once it has begun it is not aborted: a model of two trainings would remain.
      await pack(access, matchCheckpoint(parameters, checkpoint, matching).sources);
    }, signal);
  } finally {
    await checkpoint.close();
  }
}

/** Replaces a model's weights by tensors, as its `params` returns them. */
export async function writeParams(model: AnyModel, params: ReadonlyMap<string, Tensor>): Promise<void> {
  await trainableModel(model).exclusive((access) => pack(access, matchParams(access.layout.parameters, params)));
}

async function pack(
  { engine, layout }: ModelAccess,
  sources: ReadonlyMap<Parameter, ParameterSource>,
  signal?: AbortSignal,
): Promise<void> {
  const { memory } = engine;
  const { used } = memory;
  const region = memory.region();
  const staging = region.take(stagingFloats(layout.parameters) * 4);
  memory.claim(region);
  try {
    // The weights' padding is zero already: no memory is cleared.
    await packWeights(engine, sources, { start: 0, end: 0 }, staging, signal);
  } finally {
    memory.release(used);
  }
}
