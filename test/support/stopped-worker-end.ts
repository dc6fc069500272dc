import { expect } from 'vitest';
import type { MessageRecord, OutcomeKind } from '../../src/producer/index.ts';
import type { DeadReason } from '../../src/shared/model/dead-letter.ts';
import { expectAllInOrder, outcomesOf, type Scene } from './stopped-worker.ts';

/** The end of the target, and of the messages around it. */
export interface End {
  /** The outcomes in the target's history. */
  outcomes: readonly OutcomeKind[];
  /** The reason why the target is dead; `undefined` if it was delivered. */
  reason?: DeadReason;
  requests: number;
  duplicates?: 1;
  /** Requests that arrived while an earlier request of the conversation was still open. */
  overlaps?: 3;
  /** The outcomes in the next message's history: the call that settles a message also takes the next one. */
  next?: readonly OutcomeKind[];
}

/** Expects that the target has this end, and that all other messages were delivered by one request each. */
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
