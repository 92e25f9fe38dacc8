/** The ways that a model computes, each of which every fault must leave whole: on one thread and two, in float32 and int8. */
import type { InitOptions } from '../../src/model/options.js';
import { TINY } from '../support/tiny.js';

/** Large enough for two threads to divide the products of `TINY_INPUTS`. */
const THREADED_CONFIG = {
  ...TINY,
  num_hidden_layers: 2,
  num_hidden_groups: 1,
  inner_group_num: 1,
  hidden_size: 240,
  intermediate_size: 300,
};

export interface Variant {
  readonly name: string;
  readonly config: Readonly<Record<keyof typeof TINY, string | number>>;
  readonly options: Pick<InitOptions, 'dtype' | 'threads'> & { readonly seed: number };
  /** The first is what a caller has who asks for nothing; the others run a part of its cases, since workers take time to start. */
  readonly share: number;
}

export const VARIANTS: readonly Variant[] = [
  { name: 'float32', config: TINY, options: { seed: 1, dtype: 'float32' }, share: 1 },
  { name: 'int8', config: TINY, options: { seed: 1, dtype: 'int8' }, share: 0.25 },
  {
    name: 'float32, two threads',
    config: THREADED_CONFIG,
    options: { seed: 1, dtype: 'float32', threads: 2 },
    share: 0.02,
  },
  { name: 'int8, two threads', config: THREADED_CONFIG, options: { seed: 1, dtype: 'int8', threads: 2 }, share: 0.02 },
];
