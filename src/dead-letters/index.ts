export { openDeadLetters } from './open-dead-letters.ts';
export type { DeadLetters } from './open-dead-letters.ts';
export type { DeadLetterCounts } from './counts.ts';
export type { DiscardOptions, DiscardResult } from './discard.ts';
export type { DeadLetterEntry, DeadLetterFilter, OnProgress, Progress } from './entry.ts';
export type { ReplayOptions, ReplayResult } from './replay.ts';
export type { DeadLetterSelection } from './selection.ts';
export type { DeadLetterRecord } from '../shared/reading/dead-letter-record.ts';
export { UnknownPositionError } from '../shared/errors/errors.ts';
