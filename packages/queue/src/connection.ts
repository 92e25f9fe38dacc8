/** Connections to Redis, and errors for a Redis that does not answer. */
import { AlbertError } from 'albert-wasm';
import { Redis, type RedisOptions } from 'ioredis';

/** An address such as `redis://127.0.0.1:6379`, or ioredis's options. */
export type Connection = string | RedisOptions;

/**
 * Connects, or fails at once if Redis does not answer.
 *
 * @param maxRetriesPerRequest how often each later request is retried; `null`: without limit
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

/** The error for a failed request to the queue: ERR_SOURCE if Redis does not answer, ERR_INTERNAL if it refuses. */
export function refusal(redis: Redis, cause: unknown): AlbertError {
  if (redis.status !== 'ready') return unreachable(redis, cause);
  return new AlbertError('ERR_INTERNAL', `the queue refuses: ${(cause as Error).message}`, { cause });
}

function unreachable({ options: { host, port, path } }: Redis, cause: unknown): AlbertError {
  const { message } = cause as Error;
  return new AlbertError('ERR_SOURCE', `cannot reach Redis at ${path ?? `${host}:${port}`}: ${message}`, { cause });
}
