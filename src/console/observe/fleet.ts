import { Counter, Gauge, type Registry } from 'prom-client';
import type { Hold } from '../../shared/reading/holds.ts';
import type { FleetFacts } from './facts.ts';

/** Metrics of the whole installation: the same from every process. */
export interface FleetMetrics {
  /** Updates the metrics; with `null` only `redis_up` is set, so that outdated values are not reported. */
  update(facts: FleetFacts | null): void;
}

const states = ['scheduled', 'queued', 'sending', 'retrying', 'held'] as const;

/** All possible kinds of holds: reported as 0 if there are none, so that a change can be seen. */
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
  const registers = [registry];
  const redisUp = new Gauge({
    name: 'kitechat_sender_redis_up',
    help: '1 if Redis answered this scrape.',
    registers,
  });
  const messages = new Gauge({
    name: 'kitechat_sender_messages',
    help: 'Messages that have not ended, by state.',
    labelNames: ['state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'kitechat_sender_oldest_queued_age_seconds',
    help: 'How long the oldest queued message has been due; 0 if none waits.',
    registers,
  });
  const deadLetters = new Gauge({
    name: 'kitechat_sender_dead_letters',
    help: 'Dead letters, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const holds = new Gauge({
    name: 'kitechat_sender_holds',
    help: 'Holds in force, by scope and reason.',
    labelNames: ['scope', 'reason'],
    registers,
  });
  const workers = new Gauge({
    name: 'kitechat_sender_workers',
    help: 'Workers with a recent heartbeat.',
    registers,
  });
  const repairs = new Counter({
    name: 'kitechat_sender_repairs_total',
    help: 'Repairs by all workers of what others broke in Redis, by kind, since the installation was created.',
    labelNames: ['kind'],
    registers,
  });

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
