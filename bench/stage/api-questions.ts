import type { Moment } from '../result/latency.ts';

/** What the process of the fake API says first. */
export interface ApiReady {
  url: string;
}

/** What it is asked then: to forget all that it has received, or what has arrived of a page so far. */
export type ApiQuestion = { id: number; ask: 'forget' } | { id: number; ask: 'arrivals'; pageId: string };

export interface ApiAnswer {
  id: number;
  arrivals: Moment[];
}
