/** A private Redis that can be killed, frozen and restarted. */
export interface RedisServer {
  /** For `REDIS_URL`. Stays the same across restarts. */
  readonly url: string;
  readonly port: number;
  /** The process id; `null` while Redis is down, and for a container. */
  readonly pid: number | null;
  /** The folder of the data and of the log `redis.log`; `null` for a container. */
  readonly dir: string | null;
  /** Ends Redis with a signal (default SIGKILL) and waits for its end. The data stays; `restart()` starts Redis again. */
  kill: (signal?: 'SIGKILL' | 'SIGTERM' | 'SIGINT') => Promise<void>;
  /** Restarts Redis with the same port and data and waits until it is ready. A running Redis is ended with SIGTERM first. */
  restart: () => Promise<void>;
  /** Freezes Redis: connections stay open, but get no answers. */
  pause: () => Promise<void>;
  resume: () => Promise<void>;
  /** Ends Redis permanently and removes its folder, unless the folder was given. Can be called twice. */
  stop: () => Promise<void>;
  [Symbol.asyncDispose]: () => Promise<void>;
}
