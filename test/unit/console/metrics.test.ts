import { EventEmitter } from 'node:events';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createFleetMetrics } from '../../../src/console/observe/fleet.ts';
import { createPageLabels, createWorkerMetrics } from '../../../src/console/observe/worker.ts';
import { createProgress } from '../../../src/worker/fleet/progress.ts';
import type { AttemptReport, KitechatWorker, WorkerEvents } from '../../../src/worker/index.ts';

const report: AttemptReport = {
  id: '0-1',
  pageId: 'p1',
  conversationId: 'c1',
  type: 'text',
  label: null,
  outcome: 'delivered',
  detail: null,
  httpStatus: 200,
  durationMs: 120,
  attempt: 1,
  attemptsAllowed: 8,
  next: 'delivered',
  delayMs: null,
  reason: null,
};

function workerMetrics() {
  const registry = new Registry();
  const events = new EventEmitter<WorkerEvents>();
  const config = { workerId: 'w', concurrency: 5, shards: 1, timeoutMs: 1000, shutdownMs: 1000 };
  const { health } = createProgress(config);
  createWorkerMetrics(registry, { on: events.on.bind(events) as unknown as KitechatWorker['on'], health });
  return { registry, events };
}

describe('the labels of pages', () => {
  it('are their own for the first ones, and stay so; all others share one', () => {
    const labelOf = createPageLabels(2);
    expect(['a', 'b', 'c', 'a', null, 'd', 'b'].map(labelOf)).toEqual(['a', 'b', 'other', 'a', 'other', 'other', 'b']);
  });
});

describe('the metrics of a worker', () => {
  it('keep to a bounded number of series, however many pages there are', async () => {
    const { registry, events } = workerMetrics();
    for (let page = 0; page < 250; page += 1) events.emit('attempt', { ...report, pageId: `p${page}` });
    const lines = (await registry.metrics()).split('\n').filter((line) => line.includes('page_attempts_total{'));
    expect(lines).toHaveLength(101);
    expect(lines).toContain('kitechat_sender_page_attempts_total{page="other",outcome="delivered"} 150');
  });

  it('take any text for the id of a page', async () => {
    const { registry, events } = workerMetrics();
    events.emit('attempt', { ...report, pageId: 'a"b\\c{}~<script>' });
    expect(await registry.metrics()).toContain(
      'kitechat_sender_page_attempts_total{page="a\\"b\\\\c{}~<script>",outcome="delivered"} 1\n',
    );
  });

  it('begin with 0, so that the first event can be seen in a rate', async () => {
    const text = await workerMetrics().registry.metrics();
    expect(text).toContain('kitechat_sender_attempts_total{outcome="unknown"} 0\n');
    expect(text).toContain('kitechat_sender_deaths_total{reason="crashed"} 0\n');
    expect(text).toContain('kitechat_sender_claims_total{verdict="unknown"} 0\n');
  });

  it('count errors of Redis by their codes', async () => {
    const { registry, events } = workerMetrics();
    expect(await registry.metrics()).toContain('kitechat_sender_engine_errors_total{code="OOM"} 0\n');
    for (const code of ['OOM', 'OOM', 'NOPERM']) events.emit('engineError', code);
    const text = await registry.metrics();
    expect(text).toContain('kitechat_sender_engine_errors_total{code="OOM"} 2\n');
    expect(text).toContain('kitechat_sender_engine_errors_total{code="NOPERM"} 1\n');
  });

  it('count what only a hook knows as delivered by itself, and a request with an unknown outcome as that', async () => {
    const { registry, events } = workerMetrics();
    expect(await registry.metrics()).toContain('kitechat_sender_hook_deliveries_total 0\n');
    events.emit('attempt', { ...report, outcome: null, durationMs: 0, proof: 'hook' });
    events.emit('attempt', { ...report, outcome: 'unknown', proof: 'hook' });
    const text = await registry.metrics();
    expect(text).toContain('kitechat_sender_hook_deliveries_total 2\n');
    expect(text).toContain('kitechat_sender_attempts_total{outcome="delivered"} 0\n');
    expect(text).toContain('kitechat_sender_attempts_total{outcome="unknown"} 1\n');
  });

  it('count a death without an attempt, and an attempt that decided nothing', async () => {
    const { registry, events } = workerMetrics();
    events.emit('attempt', { ...report, outcome: null, durationMs: 0, next: 'dead', reason: 'expired' });
    events.emit('attempt', { ...report, outcome: 'rejected', next: 'lost', reason: 'rejected' });
    const text = await registry.metrics();
    expect(text).toContain('kitechat_sender_deaths_total{reason="expired"} 1\n');
    expect(text).toContain('kitechat_sender_deaths_total{reason="rejected"} 0\n');
    expect(text).toContain('kitechat_sender_attempts_total{outcome="rejected"} 1\n');
    expect(text).toContain('kitechat_sender_send_duration_seconds_count 1\n');
  });
});

describe('the metrics of the fleet', () => {
  const status = {
    scheduled: 1,
    queued: 2,
    sending: 3,
    retrying: 4,
    held: 5,
    dead: 6,
    oldestQueuedMs: 1500,
    holds: [
      { scope: 'page', page: 'p1', reason: 'rate-limited' },
      { scope: 'page', page: 'p2', reason: 'rate-limited' },
    ] as const,
    workers: [],
  };
  const deadByReason = { rejected: 6, exhausted: 0, expired: 0, 'unknown-outcome': 0, crashed: 0, undecodable: 0 };
  const facts = { status: { ...status, holds: [...status.holds] }, deadByReason, repairs: { removed: 7 } };

  it('are what Redis said last, not the sum of what it said', async () => {
    const registry = new Registry();
    const metrics = createFleetMetrics(registry);
    metrics.update(facts);
    metrics.update(facts);
    const text = await registry.metrics();
    expect(text).toContain('kitechat_sender_messages{state="retrying"} 4\n');
    expect(text).toContain('kitechat_sender_oldest_queued_age_seconds 1.5\n');
    expect(text).toContain('kitechat_sender_dead_letters{reason="rejected"} 6\n');
    expect(text).toContain('kitechat_sender_holds{scope="page",reason="rate-limited"} 2\n');
    expect(text).toContain('kitechat_sender_repairs_total{kind="removed"} 7\n');
    expect(text).toContain('kitechat_sender_repairs_total{kind="stuck-page"} 0\n');
    expect(text).toContain('kitechat_sender_redis_up 1\n');
  });

  it('have every kind of hold, also those that there are none of', async () => {
    const registry = new Registry();
    createFleetMetrics(registry).update(facts);
    const samples = (await registry.metrics()).match(/(?<=^kitechat_sender_holds\{).*/gm);
    const ofCircuits = ['api-down', 'rate-limited', 'refusing', 'unauthorized'].flatMap((reason) =>
      ['page', 'key', 'api'].map((scope) => `scope="${scope}",reason="${reason}"`),
    );
    // The API as a whole can't be unauthorized: each key is refused for itself.
    const expected = [
      ...ofCircuits.filter((kind) => kind !== 'scope="api",reason="unauthorized"'),
      ...['all', 'page', 'conversation'].map((scope) => `scope="${scope}",reason="operator"`),
      'scope="all",reason="restored"',
      'scope="conversation",reason="dead-letter"',
      ...['no-encryption-key', 'rate-limited', 'unauthorized'].map(
        (reason) => `scope="conversation",reason="${reason}"`,
      ),
    ].map((kind) => `${kind}} ${kind === 'scope="page",reason="rate-limited"' ? 2 : 0}`);
    expect(samples?.toSorted()).toEqual(expected.toSorted());
  });

  it('leave out what nobody can know while Redis is away', async () => {
    const registry = new Registry();
    const metrics = createFleetMetrics(registry);
    metrics.update(facts);
    metrics.update(null);
    const samples = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(samples).toEqual(['kitechat_sender_redis_up 0']);
  });
});
