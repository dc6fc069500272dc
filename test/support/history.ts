import type { MessageRecord } from '../../src/producer/index.ts';
import type { HistoryDeps } from '../../src/shared/reading/history.ts';
import { deadlineIn } from '../../src/shared/redis/deadline.ts';
import { completed, type Settings } from './settings.ts';

export async function listed(records: AsyncIterable<MessageRecord>): Promise<MessageRecord[]> {
  const all: MessageRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

/** What reads histories on a session. */
export function historyOn(
  config: Settings,
  session: HistoryDeps['session'],
  ledger: HistoryDeps['ledger'],
): HistoryDeps {
  return { session, config: completed(config), ledger, newDeadline: () => deadlineIn(5000) };
}
