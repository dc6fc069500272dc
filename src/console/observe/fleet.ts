import type { Registry } from 'prom-client';
import type { Hold } from '../../shared/reading/holds.ts';
import type { FleetFacts } from './facts.ts';
import { createSeries } from './series.ts';

/** What Redis says of the whole installation: the same from every process. */
export interface FleetMetrics {
  /** Brings them up to date; with `null` only that Redis is away is told, rather than what was once true. */
  update(facts: FleetFacts | null): void;
}

const states = ['scheduled', 'queued', 'sending', 'retrying', 'held'] as const;

/** The holds that there can be: shown with 0, so that one that comes and goes can be seen. */
const holdKinds: readonly Pick<Hold, 'scope' | 'reason'>[] = [
  { scope: 'all', reason: 'operator' },
  { scope: 'api', reason: 'api-down' },
  { scope: 'key', reason: 'unauthorized' },
  { scope: 'page', reason: 'operator' },
  { scope: 'page', reason: 'rate-limited' },
  { scope: 'page', reason: 'unauthorized' },
  { scope: 'conversation', reason: 'operator' },
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
  'stuck-page',
];

export function createFleetMetrics(registry: Registry): FleetMetrics {
  const { gauge, counter } = createSeries(registry);
  const redisUp = gauge('redis_up', '1 if Redis answered this scrape.');
  const messages = gauge('messages', 'Messages that have not ended, by state.', 'state');
  const oldest = gauge(
    'oldest_queued_age_seconds',
    'How long the oldest queued message has been due; 0 if none waits.',
  );
  const deadLetters = gauge('dead_letters', 'Dead letters that are kept, by reason.', 'reason');
  const holds = gauge('holds', 'Holds that are in force, by what they hold and why.', 'scope', 'reason');
  const workers = gauge('workers', 'Workers that told lately that they are there.');
  const repairs = counter(
    'repairs_total',
    'Repairs of what others broke in Redis, by kind, of all workers since ever.',
    'kind',
  );

  return {
    update(facts) {
      redisUp.set(facts === null ? 0 : 1);
      for (const metric of [messages, deadLetters, holds, repairs]) metric.reset();
      for (const metric of [oldest, workers]) metric.remove();
      if (facts === null) return;
      const { status, deadByReason, repairs: repaired } = facts;
      for (const state of states) messages.set({ state }, status[state]);
      oldest.set(status.oldestQueuedMs / 1000);
      workers.set(status.workers.length);
      for (const [reason, count] of Object.entries(deadByReason)) deadLetters.set({ reason }, count);
      for (const kind of holdKinds) holds.set({ ...kind }, 0);
      for (const { scope, reason } of status.holds) holds.inc({ scope, reason });
      for (const kind of repairKinds) repairs.inc({ kind }, 0);
      for (const [kind, count] of Object.entries(repaired)) repairs.inc({ kind }, count);
    },
  };
}
