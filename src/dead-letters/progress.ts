/** How far a replay or discard has come. */
export interface Progress {
  matched: number;
  done: number;
  skipped: number;
  /** How many it will be; `null` if only the entries themselves can tell. */
  total: number | null;
}

export type OnProgress = (progress: Progress) => void;
