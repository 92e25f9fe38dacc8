/**
 * SHA-256 of random models and of every file that `save_pretrained` writes of them: names, order, numbers and headers, bit for bit.
 * None of it depends on the machine: numbers are only drawn, packed, unpacked and rounded here, and no kernel computes with them.
 */
import { createHash, type Hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlbertPreTrainedModel, type ModelClass } from '../../src/model/albert.js';
import * as models from '../../src/model/models.js';
import type { SaveOptions } from '../../src/model/options.js';
import { stateCases } from '../support/cases.js';
import { TINY } from '../support/tiny.js';

const golden = suite('golden');

const directory = mkdtempSync(`${tmpdir()}/albert-wasm-`);
golden.after(() => rmSync(directory, { recursive: true }));

const HEADS: readonly unknown[] = [
  models.AlbertModel,
  models.AlbertForPreTraining,
  models.AlbertForMaskedLM,
  models.AlbertForSequenceClassification,
  models.AlbertForMultipleChoice,
  models.AlbertForTokenClassification,
  models.AlbertForQuestionAnswering,
];

interface Case {
  readonly seed: number;
  readonly config: Readonly<Record<string, unknown>>;
  /** Default: all. */
  readonly heads?: readonly unknown[];
}

/** Each with its seed. TINY has two groups of two inner layers. */
const CONFIGS: Readonly<Record<string, Case>> = {
  tiny: { seed: 0, config: TINY },
  'untied decoder': { seed: 1, config: { ...TINY, tie_word_embeddings: false } },
  'one layer': {
    seed: 2,
    config: {
      ...TINY,
      vocab_size: 40,
      embedding_size: 8,
      hidden_size: 16,
      num_hidden_layers: 1,
      num_hidden_groups: 1,
      inner_group_num: 1,
      num_attention_heads: 2,
      intermediate_size: 24,
    },
  },
  // The word embeddings do not pass through staging memory at once.
  'odd sizes': {
    seed: 2 ** 40 + 7,
    heads: [models.AlbertForPreTraining],
    config: {
      ...TINY,
      vocab_size: 2100,
      embedding_size: 131,
      hidden_size: 129,
      num_hidden_layers: 4,
      num_hidden_groups: 3,
      inner_group_num: 1,
      intermediate_size: 257,
    },
  },
};

/** The files of a model by its dtype. */
const FILES: Readonly<Record<'float32' | 'int8', readonly SaveOptions[]>> = {
  float32: [
    { format: 'safetensors', dtype: 'float32' },
    { format: 'safetensors', dtype: 'float16' },
    { format: 'safetensors', dtype: 'bfloat16' },
    { format: 'safetensors', dtype: 'int8' },
    { format: 'flax_msgpack', dtype: 'float32' },
    { format: 'flax_msgpack', dtype: 'float16' },
    { format: 'flax_msgpack', dtype: 'bfloat16' },
  ],
  int8: [
    { format: 'safetensors', dtype: 'float32' },
    { format: 'safetensors', dtype: 'int8' },
  ],
};

/** Each of all heads together. */
const HASHES: Readonly<Record<string, string>> = {
  'tiny: float32 model': '585588b1cd2a7b5ec0763355a5e7021dcaf8360bdbbb11a8817290cfdb318b32',
  'tiny: float32 model as safetensors, float32': '94d4ac8309f2a3f11181da546a7b38e928ca4ab3dae4a4cc13f56ccdcdd483d8',
  'tiny: float32 model as safetensors, float16': 'b334f13dd5c89c04240b4fad1006c5f08cf9533ff10f5f9e5d438fa473a8c0a2',
  'tiny: float32 model as safetensors, bfloat16': 'b7f86324887ab3288068212066ef9ee1810eeed9dbdd60e1276a5dc520a43888',
  'tiny: float32 model as safetensors, int8': '3540b975572e6616cd5ac63ad4dac1873f71b891caf0f68de4f9850401509e48',
  'tiny: float32 model as flax_msgpack, float32': 'ffe84dddf49c5cfa5dff19b502927b51774330fc821babc978ecdb4184e3559f',
  'tiny: float32 model as flax_msgpack, float16': 'bf7ee91097a8fbe0eb2ad573bcddd95181c1a414989371e5a2845474465f8db0',
  'tiny: float32 model as flax_msgpack, bfloat16': '4785fe64fc7f1a6c883f4a17f7fa709052c9138f40329ea2e5590ddc656b72dc',
  'tiny: int8 model': '40c594f04137429c47cefa2c84c1535fce720db3c7796a94172540c6f74196e8',
  'tiny: int8 model as safetensors, float32': 'd55ce14ad5d9b9ca7dc3408afce83b3a477b44c27097b1ed1067f74e5189e064',
  'tiny: int8 model as safetensors, int8': '3540b975572e6616cd5ac63ad4dac1873f71b891caf0f68de4f9850401509e48',
  'untied decoder: float32 model': '7df5820690abf35034a17fb6abaad5f7bcc6bece6b1e0f7492d341d3ff4790af',
  'untied decoder: float32 model as safetensors, float32':
    'acc432a323b745aaa01628820487c9b377df1f65494253a7b0cb3986618131ef',
  'untied decoder: float32 model as safetensors, float16':
    '64ba46c9ba5e39f6c7274c5c8419f84b304fb34a76b1bf3ea00f8923e1e39668',
  'untied decoder: float32 model as safetensors, bfloat16':
    '871cf75145bd2232883cc451f999956556748879576c374e2dfd014d0541d538',
  'untied decoder: float32 model as safetensors, int8':
    'be6f741a3bb2864c14a8c3df669945731348bba92c7b5c598cee021a7104e4ce',
  'untied decoder: float32 model as flax_msgpack, float32':
    '13752ac8aa220049e540c3cc3689f85ddb3aaab2d02c1f7f9c4cd2bd06179fbb',
  'untied decoder: float32 model as flax_msgpack, float16':
    'ee3ff71a7cca6012377d16556c55be5e52bb3a819df479c38f0a5e5c6d8b902f',
  'untied decoder: float32 model as flax_msgpack, bfloat16':
    'dd13e9678b889813de6ff499df762ec939aaed9d72ca609f8b1bc88cacdaa727',
  'untied decoder: int8 model': 'c13a31d80d773d938b19c56895f9e93d0e08e33dad74db6f2d11c0c460e3e96d',
  'untied decoder: int8 model as safetensors, float32':
    'f190cea2be8895ba9973f926d1b7c87a502acadd900b9740bbbf705b3c71bb7b',
  'untied decoder: int8 model as safetensors, int8': 'be6f741a3bb2864c14a8c3df669945731348bba92c7b5c598cee021a7104e4ce',
  'one layer: float32 model': '619816397ee9de2692d49bf6b699c944658d3e72ce33ea4b4f5348d01c69a6b0',
  'one layer: float32 model as safetensors, float32':
    'f47120ea432b1e20fa01eed2a06851ef56e7e3f7fbd2e1f7f9019435dab8a884',
  'one layer: float32 model as safetensors, float16':
    '06729afaf0b929d118ee28265fa47fa279da9f72fefb4799f685115b853fcf71',
  'one layer: float32 model as safetensors, bfloat16':
    '5d92b19fd472bb182ddaaa1dafe913ccb09dabc81a1587ff4f2285d8ebeb9692',
  'one layer: float32 model as safetensors, int8': '4aa119aabdfaa07b5b0e34500dc5e86602c9fbbb70856e55a1ef9d7fcbae507f',
  'one layer: float32 model as flax_msgpack, float32':
    '8ed00dd17df7e7c055d80bab4e1c7e3b84bcbca8f44bab3b13bd333e7314215b',
  'one layer: float32 model as flax_msgpack, float16':
    '4474c6e2629cf21236b13e0137e43577d9a385ce3aea4d6be6dfa5e399ae2086',
  'one layer: float32 model as flax_msgpack, bfloat16':
    '16135aba1d80b6f688e5bb3641075d92df78f4799100d5301e520a26463c5a36',
  'one layer: int8 model': '341e0a88f291013eab8056c44769a6a216aa60caeb4126a8ea358dce01be6de0',
  'one layer: int8 model as safetensors, float32': '988a2cf9584f5bcc66e1a33c0f168e181aeb1515f2b79ebaabfc87a9ffa9af2d',
  'one layer: int8 model as safetensors, int8': '4aa119aabdfaa07b5b0e34500dc5e86602c9fbbb70856e55a1ef9d7fcbae507f',
  'odd sizes: float32 model': 'c115994eb55ea1c15adf82d1988e6876ea148c3eaf0cffed3988cdbd21979661',
  'odd sizes: float32 model as safetensors, float32':
    '5bb722b3ad6c113ee3901c3a156179976c2ac395800f82d737f00bd136c85e95',
  'odd sizes: float32 model as safetensors, float16':
    '5666e40d60eddc5dbbde677319ec30f82169b95adb9abd2204241fc1950d9dec',
  'odd sizes: float32 model as safetensors, bfloat16':
    'dbd7b16093354aea6dc485a8f70e2672689f6aec1bd07e6d57aeaaddf1a2af50',
  'odd sizes: float32 model as safetensors, int8': '5056fc1452f42cfe5125e1d33d6613412eba495bd4086aab2674a794bd5d663c',
  'odd sizes: float32 model as flax_msgpack, float32':
    'e52eaf6cb1edac8a06e4ead1b5397cd19cec917b1b70949ce70bc18fb9d1caa4',
  'odd sizes: float32 model as flax_msgpack, float16':
    'f9e5471c2cd036193a312adb1dfd6e8f429d5a0a6cb668f309e0747eaf0b1a42',
  'odd sizes: float32 model as flax_msgpack, bfloat16':
    'd11e537dfabc895cea5479b3b210a1f6f4eb50342aa3a8671defebfd3f446303',
  'odd sizes: int8 model': 'ccc032136495db9341315fcadfaa8c8156db963c5c75c0ae6c5a4e07dfe831e0',
  'odd sizes: int8 model as safetensors, float32': 'd4a79bfb2266f66f0d9c02782a2ee54ec4e72a8df0b05648af8cfa4e5c6c94a0',
  'odd sizes: int8 model as safetensors, int8': '5056fc1452f42cfe5125e1d33d6613412eba495bd4086aab2674a794bd5d663c',
};

function hashParams(hash: Hash, { params }: AlbertPreTrainedModel): void {
  for (const [name, { shape, data }] of params) {
    hash.update(`${name} ${shape.join()}\n`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
}

/** The files of a directory, including `config.json`. */
function hashFiles(hash: Hash, path: string): void {
  for (const name of readdirSync(path).sort()) hash.update(`${name}\n`).update(readFileSync(`${path}/${name}`));
}

for (const [name, { seed, config, heads = HEADS }] of Object.entries(CONFIGS)) {
  golden(`${name}: random models and their files are the same bytes as ever`, async () => {
    const hashes = new Map<string, Hash>();
    const hashOf = (what: string): Hash => {
      const hash = hashes.get(what) ?? createHash('sha256');
      hashes.set(what, hash);
      return hash;
    };
    for (const Class of heads as ModelClass<AlbertPreTrainedModel>[]) {
      for (const dtype of ['float32', 'int8'] as const) {
        const model = await AlbertPreTrainedModel.from_config.call(Class, config, { seed, dtype });
        hashParams(hashOf(`${dtype} model`), model);
        for (const [i, options] of FILES[dtype].entries()) {
          const target = `${directory}/${name}-${Class.architecture}-${dtype}-${i}`;
          await model.save_pretrained(target, options);
          hashFiles(hashOf(`${dtype} model as ${options.format}, ${options.dtype}`), target);
        }
        await model.dispose();
      }
    }
    const digests = [...hashes].map(([what, hash]) => [`${name}: ${what}`, hash.digest('hex')] as const);
    const wanted = Object.entries(HASHES).filter(([key]) => key.startsWith(`${name}: `));
    assert.equal(Object.fromEntries(digests), Object.fromEntries(wanted));
    stateCases(digests.length, 2 + FILES.float32.length + FILES.int8.length);
  });
}

golden.run();
