import type { DeadReason } from '../shared/dead-letter.ts';
import type { LetterFilter } from '../shared/lanes/letters.ts';

/** Which dead letters; all of the given conditions hold. */
export interface DeadLetterFilter {
  reason?: DeadReason | undefined;
  /** Also finds entries of the page that can't be read any more. */
  pageId?: string | undefined;
  conversationId?: string | undefined;
  label?: string | undefined;
  /** Died at this moment or later. */
  since?: Date | undefined;
  /** Died before this moment. */
  until?: Date | undefined;
}

export function searchFilterOf({ since, until, ...filter }: DeadLetterFilter): LetterFilter {
  return { ...filter, sinceMs: since?.getTime(), untilMs: until?.getTime() };
}
