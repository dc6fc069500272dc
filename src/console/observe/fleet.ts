import type { Registry } from 'prom-client';
import type { Hold } from '../../shared/reading/holds.ts';
import type { ScrapedFacts } from './facts.ts';
import { createSeries } from './series.ts';

/** Metrics of the whole installation: the same from every process. */
export interface FleetMetrics {
  /** Updates the metrics; with `null` only `redis_up` is set, so that outdated values are not reported. */
  update(facts: ScrapedFacts | null): void;
}

const states = ['scheduled', 'queued', 'sending', 'retrying', 'held'] as const;

/** All possible kinds of holds: reported as 0 if there are none, so that a change can be seen. */
const holdKinds: readonly Pick<Hold, 'scope' | 'reason'>[] = [
  { scope: 'all', reason: 'operator' },
  { scope: 'all', reason: 'restored' },
  { scope: 'api', reason: 'api-down' },
  { scope: 'api', reason: 'rate-limited' },
  { scope: 'api', reason: 'refusing' },
  { scope: 'key', reason: 'api-down' },
  { scope: 'key', reason: 'rate-limited' },
  { scope: 'key', reason: 'refusing' },
  { scope: 'key', reason: 'unauthorized' },
  { scope: 'page', reason: 'api-down' },
  { scope: 'page', reason: 'operator' },
  { scope: 'page', reason: 'rate-limited' },
  { scope: 'page', reason: 'refusing' },
  { scope: 'page', reason: 'unauthorized' },
  { scope: 'conversation', reason: 'operator' },
  { scope: 'conversation', reason: 'no-encryption-key' },
  { scope: 'conversation', reason: 'rate-limited' },
  { scope: 'conversation', reason: 'unauthorized' },
  { scope: 'conversation', reason: 'dead-letter' },
];

/** The kinds of repairs; see ARCHITECTURE.md. */
const repairKinds = [
  'removed',
  'dropped',
  'forgotten-end',
  'lost-schedule',
  'stuck-lane',
  'lost-place',
  'never-stored',
  'foreign-key',
  'stuck-page',
  'lost-writes',
];

export function createFleetMetrics(registry: Registry): FleetMetrics {
  const { gauge, counter } = createSeries(registry);
  const redisUp = gauge('redis_up', '1 if Redis answered this scrape.');
  const messages = gauge('messages', 'Messages that have not ended, by state.', 'state');
  const oldest = gauge(
    'oldest_queued_age_seconds',
    'How long the oldest queued message has been due; 0 if none waits.',
  );
  const deadLetters = gauge('dead_letters', 'Dead letters, by reason.', 'reason');
  const holds = gauge('holds', 'Holds in force, by scope and reason.', 'scope', 'reason');
  const workers = gauge('workers', 'Workers with a recent heartbeat.');
  const foreign = gauge(
    'foreign_settings',
    "BullMQ's settings that somebody else has changed, which has no effect on workers; 0 without any.",
  );
  const repairs = counter(
    'repairs_total',
    'Repairs by all workers of what others broke in Redis, by kind, since the installation was created.',
    'kind',
  );

  return {
    update(facts) {
      redisUp.set(facts === null ? 0 : 1);
      for (const metric of [messages, deadLetters, holds, repairs]) metric.reset();
      for (const metric of [oldest, workers, foreign]) metric.remove();
      if (facts === null) return;
      const { status, deadByReason, repairs: repaired } = facts;
      for (const state of states) messages.set({ state }, status[state]);
      oldest.set(status.oldestQueuedMs / 1000);
      workers.set(status.workers.length);
      foreign.set((status.foreignSettings ?? []).reduce((total, { settings }) => total + settings.length, 0));
      for (const [reason, count] of Object.entries(deadByReason)) deadLetters.set({ reason }, count);
      for (const kind of holdKinds) holds.set({ ...kind }, 0);
      for (const { scope, reason } of status.holds) holds.inc({ scope, reason });
      for (const kind of repairKinds) repairs.inc({ kind }, 0);
      for (const [kind, count] of Object.entries(repaired)) repairs.inc({ kind }, count);
    },
  };
}
