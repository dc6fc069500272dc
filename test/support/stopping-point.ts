/** The point at which a process of the command line stops itself: a command to Redis, or its next request to the API. */
export interface StoppingPoint {
  /**
   * The name of a script of ours; `take`, the turn that hands out the message; or `post`, the request that follows.
   */
  command: 'laneEnqueue' | 'laneTurn' | 'laneTick' | 'laneCancel' | 'take' | 'post';
  /** `before` sending; `sent`, with the answer not yet read; or `answered`, with the answer not yet handled. */
  when: 'before' | 'sent' | 'answered';
  /** Only a command that names this message, such as the turn that settles it. */
  message?: string;
  signal: 'SIGKILL' | 'SIGSTOP';
}

/** The line that a process writes to stdout right before it stops. */
export const STOPPED = 'stopped';

const script = new URL('./stopping-itself-process.ts', import.meta.url).href;

/** The environment in which a process of the command line stops itself once at this point. */
export function stoppingAt(point: StoppingPoint): Record<string, string> {
  return { NODE_OPTIONS: `--import=${script}`, STOPPING_POINT: JSON.stringify(point) };
}
