/** A whole model's parameters: the body's and the head's, given addresses in one walk. */
import type { Engine } from '../../engine/engine.js';
import type { Region } from '../../engine/memory.js';
import type { AlbertConfig } from '../config.js';
import { type Parameter, ParameterTable } from '../parameters/table.js';
import { type BodyParameters, declareBody } from './body.js';
import type { Head } from './head.js';

/** The addresses of a whole model's parameters. */
export interface Layout {
  readonly parameters: readonly Parameter[];
  readonly body: BodyParameters;
  readonly head: unknown;
}

/** Gives every parameter an address in a region. */
export function layOut(region: Region, engine: Engine, config: AlbertConfig, head: Head): Layout {
  const table = new ParameterTable(region, engine);
  const body = declareBody(table, config, head.prefix, head.pooler);
  return { parameters: table.parameters, body, head: head.declare(table, config, body) };
}
