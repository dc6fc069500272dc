import type { Redis } from 'ioredis';
import { isRefusal } from '../errors/redis-advice.ts';
import { isCluster, type RedisClient, replaceSoon } from './cluster.ts';
import { isReady, lastErrorOf } from './ready.ts';

/** Longer than the longest pause between two attempts, so that a Redis that goes on refusing is never taken for a willing one. */
const QUIET_MS = 2500;

interface Refusal {
  error: Error;
  at: number;
}

/** The latest refusal of each connection, and what to do at the next one. */
const latest = new WeakMap<RedisClient, Refusal>();
const listeners = new WeakMap<RedisClient, (error: Error) => void>();

export interface RefusalSettings {
  /** Whether refused commands are sent again on the next connection. Otherwise their callers get the error. */
  isResending: boolean;
  /** How long to wait before the nth attempt in a row to connect. */
  delayMs(times: number): number;
}

export interface Refusals {
  /** Options of ioredis. */
  options: {
    /** `2`: open the connection again and repeat the command. `false`: pass the error on. */
    reconnectOnError(error: Error): 2 | false;
    retryStrategy(times: number): number;
  };
  /** Makes the connection emit an `error` at a refusal. */
  attach(redis: Redis): void;
}

/**
 * Replaces a connection when Redis refuses writes: that Redis may have become a replica while its connections stayed open. If the next
 * connection is refused as well, the pauses grow.
 */
export function createRefusals({ isResending, delayMs }: RefusalSettings): Refusals {
  let attached: Redis | undefined;
  let isNoted = false;
  let inARow = 0;

  function note(error: Error): void {
    if (attached === undefined) return;
    if (lateRefusalOf(attached) === undefined) inARow = 0;
    latest.set(attached, { error, at: performance.now() });
    // One connection often has many commands under way.
    if (isNoted) return;
    isNoted = true;
    inARow += 1;
    attached.emit('error', error);
  }

  return {
    options: {
      reconnectOnError(error) {
        if (!isRefusal(error)) return false;
        // A blocking command that ended because the role changed says nothing of the new role; the next command does.
        if (!error.message.startsWith('UNBLOCKED')) note(error);
        if (isResending) return 2;
        if (attached) replaceSoon(attached);
        return false;
      },
      retryStrategy(times) {
        isNoted = false;
        return delayMs(times + Math.max(0, inARow - 1));
      },
    },
    attach(redis) {
      attached = redis;
      listeners.set(redis, note);
    },
  };
}

/** Replaces a connection if an error inside the answer of a script is a refusal, of which the connection itself knows nothing. */
export function noteRefusal(redis: RedisClient, error: Error): void {
  const note = listeners.get(redis);
  if (!note || !isRefusal(error)) return;
  note(error);
  if (!isCluster(redis)) replaceSoon(redis);
}

/** Returns the last refusal if it was a moment ago: then the connection may be ready, but Redis most likely still takes no writes. */
export function lateRefusalOf(redis: RedisClient): Error | undefined {
  const known = latest.get(redis);
  return known && performance.now() - known.at < QUIET_MS ? known.error : undefined;
}

/** Returns the error with which Redis refuses writes now, or refused them a moment ago; `undefined` if it takes them, or is away. */
export function refusalOf(redis: RedisClient): Error | undefined {
  // A refusal of a duplicate is noted here as well, after which this connection may stay ready.
  const error = isReady(redis) ? undefined : lastErrorOf(redis);
  return lateRefusalOf(redis) ?? (error && isRefusal(error) ? error : undefined);
}

/** Whether a command was refused, and its connection is being replaced: then it may be sent again as soon as the next one is ready. */
export function isBeingReplaced(redis: RedisClient, error: unknown): boolean {
  return isRefusal(error) && !isReady(redis);
}
