import { describe, expect, it } from 'vitest';
import { keepEvents } from '../../../src/cli/ledger/keep-events.ts';
import { LedgerUnavailableError } from '../../../src/shared/errors/errors.ts';
import type { Ledger } from '../../../src/shared/ledger/ledger.ts';
import { createLogger } from '../../../src/shared/logging/logger.ts';
import type { EventRecord, ReceivedEvent } from '../../../src/shared/model/event.ts';
import { eventually } from '../../support/eventually.ts';
import { deliveredEvent } from '../../support/settled-events.ts';

function setUp(records: readonly EventRecord[]) {
  const order: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const kept: EventRecord[] = [];
  const failures: Error[] = [];
  const away = { always: false };
  const abort = new AbortController();
  const events: ReceivedEvent[] = records.map((record) => ({
    ...record,
    ack: async () => void order.push(`ack ${record.id}`),
  }));
  const ledger: Pick<Ledger, 'write'> = {
    async write(batch) {
      const failure = failures.shift() ?? (away.always && new LedgerUnavailableError('away'));
      if (failure) throw failure;
      kept.push(...batch);
      order.push(...batch.map(({ id }) => `kept ${id}`));
    },
  };
  const logger = createLogger({
    level: 'debug',
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  async function* iterate(): AsyncGenerator<ReceivedEvent> {
    yield* events;
  }
  const keep = (): Promise<void> =>
    keepEvents({ events: iterate(), ledger: ledger as Ledger, logger, signal: abort.signal, retryMs: 1 });
  return { keep, order, kept, lines, failures, away, abort };
}

const [one, two] = [deliveredEvent('m1'), deliveredEvent('m2')];

describe('keeping events', () => {
  it('acknowledges events after they are kept', async () => {
    const { keep, order, kept } = setUp([one, two]);
    await keep();
    expect(order).toEqual([`kept ${one.id}`, `kept ${two.id}`, `ack ${one.id}`, `ack ${two.id}`]);
    expect(kept).toEqual([one, two]);
  });

  it('tries until the ledger can be written, and says once that it can not', async () => {
    const { keep, failures, lines, order } = setUp([one]);
    failures.push(...[1, 2, 3].map(() => new LedgerUnavailableError('PostgreSQL could not be written (ECONNREFUSED)')));
    await keep();
    expect(order).toEqual([`kept ${one.id}`, `ack ${one.id}`]);
    expect(lines.map(({ level, msg }) => `${String(level)} ${String(msg)}`)).toEqual([
      "warn the ledger can't be written; events wait in Redis until it can",
      'info the ledger can be written again',
      'debug kept events',
    ]);
  });

  it('acknowledges nothing if it ends while the ledger can not be written', async () => {
    const { keep, away, order, abort, lines } = setUp([one]);
    away.always = true;
    const ended = keep();
    await eventually('it has failed', () => lines.length > 0);
    abort.abort();
    await ended;
    expect(order).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ level: 'warn', events: 1 });
  });

  it('warns of events that were lost, and keeps that they were', async () => {
    const gap = { id: 'g', type: 'gap', at: one.at, group: 'ledger', shard: 2, lost: 17 } as const;
    const { keep, kept, lines } = setUp([gap]);
    await keep();
    expect(kept).toEqual([gap]);
    expect(lines[0]).toMatchObject({ level: 'warn', shard: 2, lost: 17 });
  });
});
