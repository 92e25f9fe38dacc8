/** Redis: an address, and whether anybody answers there. */
import { AlbertError } from 'albert-wasm';
import { Redis, type RedisOptions } from 'ioredis';

/** An address such as `redis://127.0.0.1:6379`, or ioredis's options. */
export type Connection = string | RedisOptions;

/**
 * Connects, or says at once that nobody answers.
 *
 * @param maxRetriesPerRequest how often what is asked later is tried again; `null` for as long as it takes
 * @throws ERR_SOURCE
 */
export async function connect(connection: Connection, maxRetriesPerRequest: number | null): Promise<Redis> {
  const options: RedisOptions = { lazyConnect: true, maxRetriesPerRequest, connectTimeout: 5000 };
  const redis =
    typeof connection === 'string' ? new Redis(connection, options) : new Redis({ ...connection, ...options });
  let why: Error | undefined;
  redis.on('error', (error) => (why = error));
  try {
    await redis.connect();
    return redis;
  } catch (cause) {
    redis.disconnect();
    throw unreachable(redis, why ?? cause);
  }
}

/** Why something that was asked of the queue has failed: ERR_SOURCE where Redis does not answer, ERR_INTERNAL where it refuses. */
export function refusal(redis: Redis, cause: unknown): AlbertError {
  if (redis.status !== 'ready') return unreachable(redis, cause);
  return new AlbertError('ERR_INTERNAL', `the queue refuses: ${(cause as Error).message}`, { cause });
}

function unreachable({ options: { host, port, path } }: Redis, cause: unknown): AlbertError {
  const { message } = cause as Error;
  return new AlbertError('ERR_SOURCE', `cannot reach Redis at ${path ?? `${host}:${port}`}: ${message}`, { cause });
}
