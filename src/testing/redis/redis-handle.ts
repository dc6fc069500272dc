/** A Redis of one's own, to be killed, frozen and restarted at will. */
export interface RedisServer {
  /** For `REDIS_URL`. Stays the same across restarts. */
  readonly url: string;
  readonly port: number;
  /** The process id; `null` while it is down, and for a container. */
  readonly pid: number | null;
  /** The folder of its data and its log `redis.log`; `null` for a container. */
  readonly dir: string | null;
  /** Ends it with a signal (default SIGKILL) and waits for its end. The data stays: `restart()` brings it back. */
  kill: (signal?: 'SIGKILL' | 'SIGTERM' | 'SIGINT') => Promise<void>;
  /** Starts it again, with the same port and data, and waits until it is ready. A running one is ended with SIGTERM first. */
  restart: () => Promise<void>;
  /** Freezes it: connections stay open, nothing is answered. */
  pause: () => Promise<void>;
  resume: () => Promise<void>;
  /** Ends it for good and removes its folder, unless the folder was given. Can be called twice. */
  stop: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}
