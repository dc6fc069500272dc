/** Where a process of the command line stops itself: at a command to Redis, or at its next request to the API. */
export interface StoppingPoint {
  /**
   * A script of ours, by its name; `take`, the turn that hands out the message; or `post`, the request that follows it.
   */
  command: 'laneEnqueue' | 'laneTurn' | 'laneTick' | 'laneCancel' | 'take' | 'post';
  /** `before`: it hasn't left; `sent`: it has left, its answer is not read; `answered`: its answer is here, nothing was done with it. */
  when: 'before' | 'sent' | 'answered';
  /** Only a command that names this message, as a turn does that settles it. */
  message?: string;
  signal: 'SIGKILL' | 'SIGSTOP';
}

/** What a process writes to stdout right before it stops. */
export const STOPPED = 'stopped';

const script = new URL('./stopping-itself-process.ts', import.meta.url).href;

/** The environment in which a process of the command line stops itself there, once. */
export function stoppingAt(point: StoppingPoint): Record<string, string> {
  return { NODE_OPTIONS: `--import=${script}`, STOPPING_POINT: JSON.stringify(point) };
}
