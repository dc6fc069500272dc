import { Redis, type RedisOptions } from 'ioredis';
import { type LaneRedis, withLaneCommands } from './lanes/commands.ts';

/** Quick at first, never slower than once a second: after an outage everything goes on at once. */
function reconnectDelayMs(times: number): number {
  const delayMs = Math.min(100 * 2 ** Math.min(times, 10), 1000);
  return delayMs / 2 + Math.random() * (delayMs / 2);
}

type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

const common: ConnectionOptions = {
  retryStrategy: reconnectDelayMs,
  connectTimeout: 5000,
  // While Redis loads its data it is asked this often, whatever it expects itself.
  maxLoadingRetryTime: 1000,
};

/**
 * A connection for callers that must have an answer soon. A command is refused when Redis is away, and fails when the
 * connection is lost: sent again, it could run twice, or be refused after it was carried out the first time.
 *
 * @param silenceMs a connection that owes an answer and stays silent for so long is given up for a new one
 */
export function connectFailingFast(url: string, silenceMs: number): LaneRedis {
  const redis = connect(url, {
    ...common,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    socketTimeout: silenceMs,
    // A Redis that doesn't answer a goodbye must not hold up the end of a program.
    disconnectTimeout: 500,
  });
  // An idle connection must not keep a program alive; a call that is under way does, by its deadline.
  redis.on('connect', () => redis.stream.unref());
  return redis;
}

/** A connection for workers: commands wait until Redis is back, however long that takes. */
export function connectPatiently(url: string): LaneRedis {
  return connect(url, { ...common, maxRetriesPerRequest: null });
}

function connect(url: string, options: ConnectionOptions): LaneRedis {
  const redis = new Redis(url, options);
  // Without a listener ioredis prints every failed connection. Callers learn of it from `whenReady` and their commands.
  redis.on('error', (error: Error) => lastErrors.set(redis, error));
  redis.on('ready', () => lastErrors.delete(redis));
  return withLaneCommands(redis);
}

const lastErrors = new WeakMap<Redis, Error>();

/** What last went wrong with a connection: why it isn't ready. */
export function lastErrorOf(redis: Redis): Error | undefined {
  return lastErrors.get(redis);
}

/** Whether a command can leave now. A connection that is being closed still calls itself ready for a while. */
export function isReady(redis: Redis): boolean {
  return redis.status === 'ready' && redis.stream.writable;
}

const becomingReady = new WeakMap<Redis, Promise<boolean>>();

/**
 * Waits until the connection can take commands.
 *
 * @returns `false` if it isn't ready within `timeoutMs`, or was closed.
 */
export async function whenReady(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (isReady(redis)) return true;
  if (redis.status === 'end' || timeoutMs <= 0) return false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([nextReady(redis), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One pair of listeners, however many calls wait. */
function nextReady(redis: Redis): Promise<boolean> {
  const known = becomingReady.get(redis);
  if (known) return known;
  const waiting = new Promise<boolean>((resolve) => {
    const settle = (ready: boolean): void => {
      redis.off('ready', onReady);
      redis.off('end', onEnd);
      becomingReady.delete(redis);
      resolve(ready);
    };
    const onReady = (): void => settle(true);
    const onEnd = (): void => settle(false);
    redis.on('ready', onReady);
    redis.on('end', onEnd);
  });
  becomingReady.set(redis, waiting);
  return waiting;
}

/** Whether an error only says that Redis can't be reached. */
export function isConnectionError(error: Error): boolean {
  return 'syscall' in error || error.message === 'Connection is closed.';
}
