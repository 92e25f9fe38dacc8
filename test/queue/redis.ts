/** A Redis of one test: on a port of its own, with its files in a temporary folder. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A port without a listener. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class TestRedis {
  readonly #folder = mkdtempSync(`${tmpdir()}/albert-wasm-redis-`);
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;

  private constructor(readonly port: number) {
    const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', this.#folder];
    this.#child = spawn('redis-server', [...where, '--save', '', '--appendonly', 'no']);
    this.#closed = new Promise((resolve) => this.#child.on('close', resolve));
  }

  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await freePort());
    await new Promise<void>((resolve) => {
      redis.#child.stdout?.on('data', (data) => String(data).includes('Ready to accept') && resolve());
    });
    return redis;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
