/** Where a process of the command line stops itself: at a command to Redis, or at its next request to the API. */
export interface StoppingPoint {
  /**
   * A script of ours or of BullMQ, by its name, `moveToActive` only when it follows a settlement; a command of Redis; or
   * `post`, the request that follows a claim.
   */
  command:
    | 'laneEnqueue'
    | 'laneClaim'
    | 'laneSettle'
    | 'laneDue'
    | 'laneCancel'
    | 'moveToDelayed'
    | 'moveToFinished'
    | 'moveToActive'
    | 'exec'
    | 'post';
  /**
   * `before`: it hasn't left, though what comes before it in a MULTI has; `sent`: it has left, its answer is not read;
   * `answered`: its answer is here, nothing was done with it.
   */
  when: 'before' | 'sent' | 'answered';
  /** Only a command that names this message. */
  message?: string;
  /** Only an answer that begins with this word. */
  reply?: string;
  signal: 'SIGKILL' | 'SIGSTOP';
}

/** What a process writes to stdout right before it stops. */
export const STOPPED = 'stopped';

const script = new URL('./stopping-itself-process.ts', import.meta.url).href;

/** The environment in which a process of the command line stops itself there, once. */
export function stoppingAt(point: StoppingPoint): Record<string, string> {
  return { NODE_OPTIONS: `--import=${script}`, STOPPING_POINT: JSON.stringify(point) };
}
