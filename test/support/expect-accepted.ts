import type { Installation } from './worker.ts';

/** What a busy machine may add to any wait. */
export const BUSY_MS = 5000;

/** Waits until the API has accepted so many messages, for as long as they may take, and what a busy machine adds. */
export async function expectAccepted(
  { api }: Pick<Installation, 'api'>,
  count: number,
  withinMs: number,
): Promise<void> {
  await api.waitForAccepted(count, { timeoutMs: withinMs + BUSY_MS });
}
