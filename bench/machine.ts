/** Names the machine and the engine: a figure without them says nothing. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { FLAG, widenVectors } from '../src/platform/node/wide.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly platform: string;
  /** What runs the kernels. */
  readonly engine: string;
  /** The engine in a file's name. */
  readonly tag: string;
}

/** Vector instructions that the figures depend on and that the name of a processor leaves open, by Linux's names. */
const INSTRUCTIONS = { avx512f: 'AVX-512', avx_vnni: 'AVX-VNNI' } as const;

function hasInstructions(): (keyof typeof INSTRUCTIONS)[] {
  let flags: readonly string[];
  try {
    flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  } catch {
    return [];
  }
  return (Object.keys(INSTRUCTIONS) as (keyof typeof INSTRUCTIONS)[]).filter((name) => flags.includes(name));
}

/** @param runs what runs the kernels, unless it is this Node. Reports of processors with AVX-VNNI stand beside the others. */
export function machine(runs?: Pick<Machine, 'engine' | 'tag'>): Machine {
  const cores = cpus();
  const { node, v8 } = process.versions;
  const instructions = hasInstructions();
  const name = cores[0]?.model.trim() ?? 'unknown';
  const tag = `node${node.split('.')[0]}${instructions.includes('avx_vnni') ? '-avx-vnni' : ''}`;
  return {
    cpu: [name, instructions.map((one) => INSTRUCTIONS[one]).join(' and ')].filter(Boolean).join(' with '),
    cores: cores.length,
    platform: `${process.platform} ${process.arch}`,
    ...(runs ?? { engine: `Node ${node}, V8 ${v8}`, tag }),
  };
}

/**
 * This Node; with `wide`, V8's flag for 256-bit vectors is set first, for the whole process: the peers run with it as well.
 *
 * @throws where there is no such flag
 */
export function machineOf({ wide }: { readonly wide: boolean }): Machine {
  const on = machine();
  if (!wide) return on;
  const why = widenVectors()(undefined);
  if (why !== undefined) throw new Error(why);
  return { ...on, engine: `${on.engine}, ${FLAG}`, tag: `${on.tag}-wide` };
}

export function nameMachine({ cpu, cores, platform, engine }: Machine): string {
  return `${cpu}, ${cores} cores, ${platform}; ${engine}`;
}
