/** Names the machine and the engine: a figure without them says nothing. */
import { cpus } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly platform: string;
  /** What runs the kernels. */
  readonly engine: string;
  /** The engine in a file's name. */
  readonly tag: string;
}

/** @param runs what runs the kernels, unless it is this Node */
export function machine(runs?: Pick<Machine, 'engine' | 'tag'>): Machine {
  const cores = cpus();
  const { node, v8 } = process.versions;
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    platform: `${process.platform} ${process.arch}`,
    ...(runs ?? { engine: `Node ${node}, V8 ${v8}`, tag: `node${node.split('.')[0]}` }),
  };
}

export function nameMachine({ cpu, cores, platform, engine }: Machine): string {
  return `${cpu}, ${cores} cores, ${platform}; ${engine}`;
}
