import { expect } from 'vitest';
import type { MessageRecord, OutcomeKind } from '../../src/producer/index.ts';
import type { DeadReason } from '../../src/shared/model/dead-letter.ts';
import { expectAllInOrder, outcomesOf, type Scene } from './stopped-worker.ts';

/** What became of the target, and of what stood around it. */
export interface End {
  /** What its history says. */
  outcomes: readonly OutcomeKind[];
  /** Why it is dead; without this it was delivered. */
  reason?: DeadReason;
  requests: number;
  duplicates?: 1;
  /** Requests that came while a worker still had its own open. */
  overlaps?: 3;
  /** What the next message's history says: the call that settles one takes another. */
  next?: readonly OutcomeKind[];
}

/** Of these messages the target has ended so, and all others were delivered by one request each. */
export async function expectEnd(scene: Scene, records: readonly MessageRecord[], end: End): Promise<void> {
  const { outcomes, reason, requests, duplicates = 0, overlaps = 0, next = ['delivered'] } = end;
  const target = records.find(({ id }) => id === scene.target);
  expect(target && outcomesOf(target)).toEqual(outcomes);
  expect(target).toMatchObject(reason ? { status: 'dead', reason } : { status: 'delivered' });
  const others = records.filter((record) => record !== target);
  for (const record of others) {
    expect(record).toMatchObject({ status: 'delivered' });
    expect(outcomesOf(record)).toEqual(record.id === scene.ids[2] ? next : ['delivered']);
  }
  expect(scene.requestsForTarget()).toHaveLength(requests);
  expect(await scene.deadLetters.count()).toBe(reason ? 1 : 0);
  expect(scene.api.report()).toMatchObject({
    requests: others.length + requests,
    duplicates: { count: duplicates },
    overlaps: { count: overlaps },
  });
  await expectAllInOrder(scene, records);
}
