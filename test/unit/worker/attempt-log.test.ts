import { describe, expect, it } from 'vitest';
import { type AttemptReport, createAttemptLog } from '../../../src/worker/message/attempt-report.ts';
import { readableLogger } from './log-lines.ts';

const delivered: AttemptReport = {
  id: '0-01J',
  pageId: 'p1',
  conversationId: 'c1',
  type: 'text',
  label: null,
  outcome: 'delivered',
  detail: null,
  httpStatus: 200,
  durationMs: 5,
  attempt: 1,
  attemptsAllowed: 8,
  next: 'delivered',
  delayMs: null,
  reason: null,
};
const others: Partial<AttemptReport>[] = [
  { outcome: 'unknown', next: 'backoff' },
  { outcome: 'held', next: 'hold' },
  { outcome: 'rejected', next: 'dead', reason: 'rejected' },
  { outcome: null, next: 'dead', reason: 'expired' },
  { next: 'lost' },
];

function logged(logDelivered: string, reports: readonly AttemptReport[]): Record<string, unknown>[] {
  const { logger, lines } = readableLogger();
  const log = createAttemptLog(logger, logDelivered);
  for (const report of reports) log(report);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the log of attempts', () => {
  const conversations = Array.from({ length: 5000 }, (_, n) => ({ ...delivered, conversationId: `c${n}` }));

  it('has every delivery by default, without a word about samples', () => {
    const lines = logged('1/1', conversations);
    expect(lines).toHaveLength(conversations.length);
    expect(lines[0]).not.toHaveProperty('sampled');
  });

  it('has about the given part of the deliveries, each of which says which part that is', () => {
    const lines = logged('1/100', conversations);
    expect(lines.length).toBeGreaterThan(25);
    expect(lines.length).toBeLessThan(100);
    expect(lines.every(({ sampled }) => sampled === 100)).toBe(true);
  });

  it('has all deliveries of a conversation or none, in every worker', () => {
    const [first] = logged('1/100', conversations);
    const conversationId = String(first?.['conversationId']);
    const again = Array.from({ length: 3 }, (_, n) => ({ ...delivered, id: `0-${n}`, conversationId }));
    expect(logged('1/100', again)).toHaveLength(3);
  });

  it('tells equal conversations of different pages apart', () => {
    const pages = Array.from({ length: 5000 }, (_, n) => ({ ...delivered, pageId: `p${n}` }));
    expect(logged('1/100', pages).length).toBeGreaterThan(25);
  });

  it.each(['1/1', '1/1000', '0/1'])('has everything else at %s', (logDelivered) => {
    const lines = logged(
      logDelivered,
      others.map((other) => ({ ...delivered, ...other })),
    );
    expect(lines).toHaveLength(others.length);
    for (const line of lines) expect(line).not.toHaveProperty('sampled');
  });

  it('has no delivery at 0/1', () => {
    expect(logged('0/1', conversations)).toEqual([]);
  });

  it('has every delivery that only a hook knows of, as no warning', () => {
    const found: AttemptReport = { ...delivered, outcome: 'unknown', httpStatus: null, proof: 'hook' };
    expect(logged('0/1', [found])).toMatchObject([{ level: 'info', proof: 'hook', next: 'delivered' }]);
  });
});
