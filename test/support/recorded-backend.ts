import { type BackendFactory, createRedisBackend, type JobJson, type RedisQueueBackend } from 'bullmq';

/** A call of BullMQ's worker to its backend. */
export interface BackendCall {
  method: string;
  args: unknown[];
}

/** What a test does instead of BullMQ's own scripts. */
export interface FakeMoves {
  moveToActive(token: string, name?: string): Promise<unknown>;
  moveToCompleted?(job: { id?: string }, ...more: unknown[]): Promise<unknown>;
  moveToFailed?(job: { id?: string }, ...more: unknown[]): Promise<unknown>;
  waitForJob?(blockTimeout: number): Promise<unknown>;
}

export const NO_JOB = [undefined, undefined, 0, 0];

/** Methods that concern connections and no jobs. */
const aboutConnections = /^(?:waitUntilReady|on|once|off|emit|removeListener|close|closing|client|.*BlockTimeout)$/;

/** BullMQ's Redis backend with replaced moves. It records every call of BullMQ's worker, except those about connections. */
export function recordedBackend(moves: FakeMoves): {
  factory: BackendFactory<RedisQueueBackend>;
  calls: BackendCall[];
} {
  const calls: BackendCall[] = [];
  const factory: BackendFactory<RedisQueueBackend> = (name, opts, kinds) => {
    const real = Object.assign(createRedisBackend(name, opts, kinds), moves);
    return new Proxy(real, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function' || typeof property === 'symbol') return value;
        return (...args: unknown[]): unknown => {
          if (!aboutConnections.test(property)) calls.push({ method: property, args });
          return Reflect.apply(value, target, args);
        };
      },
    });
  };
  return { factory, calls };
}

export function jobJson(id: string): JobJson {
  return { id, name: 'text', data: 'null', opts: {}, progress: 0, attemptsMade: 0, timestamp: 1 } as unknown as JobJson;
}
