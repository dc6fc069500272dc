/** The history of a shard's data that Redis has, and how far it has come. A restore of an earlier state begins another timeline. */
export interface Position {
  /** The name of the timeline. */
  timeline: string;
  /** How long the shard has had a leader, in ms; it only grows. */
  mark: number;
  /** The time of this position on Redis's clock, in ms. */
  at: number;
}

/** The highest mark that was seen of a timeline, and when. */
export type SeenMark = Pick<Position, 'mark' | 'at'>;

/** Where a call found the shard; `elsewhere` if the shard is on another timeline, or far before the position that the call named. */
export type Seen = SeenMark | 'elsewhere';

/** The highest marks that were seen, by timeline. */
export type SeenMarks = Record<string, SeenMark>;

/** A worker has noticed that Redis is in an earlier state than before. */
export type Notice = RestoreNotice | { kind: 'lost-writes'; lostMs: number };

/** Redis went back to an earlier state. Times are in ms, on Redis's clock. */
export interface RestoreNotice {
  /** `restored`: a worker has seen a later state. `suspected`: no worker remembers one, but it is likely. */
  kind: 'restored' | 'suspected';
  /** When a worker noticed that. */
  since: number;
  /** The time of the state in which Redis is. */
  backTo: number;
  /** The time of the latest state that the worker has seen. */
  seenAt?: number;
  /** The most messages that were sent since and would be sent again. */
  messages: number;
  /** Whether everything is held until an operator releases it. */
  isHeld: boolean;
}

/** Only restores and new data begin timelines, and a restore goes back to one of the latest. */
const MOST_TIMELINES = 8;

/** Returns the highest mark of each timeline. The timelines that come last are the latest; earlier ones are forgotten if there are many. */
export function highestOf(all: readonly (readonly [timeline: string, seen: SeenMark])[]): SeenMarks {
  const highest = new Map<string, SeenMark>();
  for (const [timeline, seen] of all) {
    const known = highest.get(timeline);
    highest.delete(timeline);
    highest.set(timeline, known && known.mark > seen.mark ? known : seen);
  }
  return Object.fromEntries([...highest].slice(-MOST_TIMELINES));
}
