/** A whole model's parameters: the body's and the head's, given addresses in one walk. */
import type { Engine } from '../engine/engine.js';
import type { Region } from '../engine/memory.js';
import type { AlbertConfig } from './config.js';
import type { Head } from './head.js';
import { type BodyParameters, declareBody, type Parameter, ParameterTable } from './parameters/table.js';

/** The addresses of a whole model's parameters. */
export interface Layout {
  readonly parameters: readonly Parameter[];
  readonly body: BodyParameters;
  readonly head: unknown;
}

/** Gives every parameter an address in a region. */
export function layOut(region: Region, engine: Engine, config: AlbertConfig, model: Head): Layout {
  const table = new ParameterTable(region, engine);
  const body = declareBody(table, config, model.prefix, model.pooler);
  const head = model.declare(table, config, body);
  return { parameters: table.parameters, body, head };
}
