import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deliveryTo } from '../../support/notify/delivery.ts';
import { deliveredEvent, sourceOf } from '../../support/notify/events.ts';
import { type SimulatedAnswer, simulateReceiver } from '../../support/notify/simulated-receiver.ts';

const CONVERSATIONS = ['a', 'b', 'c', 'd'];

const answers: fc.Arbitrary<SimulatedAnswer> = fc.constantFrom<SimulatedAnswer[]>(
  200,
  200,
  400,
  404,
  429,
  500,
  503,
  'ECONNREFUSED',
  'TIMEOUT',
);

/** Whether the texts of `part` are in `whole`, in the same order. */
function isInOrder(part: readonly string[], whole: readonly string[]): boolean {
  let from = 0;
  return part.every((text) => {
    const at = whole.indexOf(text, from);
    from = at + 1;
    return at !== -1;
  });
}

describe('events under random failures', () => {
  it('are each accepted or dead, in the order of their conversation, one request of a conversation at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...CONVERSATIONS), { maxLength: 30 }),
        fc.array(answers, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (conversations, script, concurrency) => {
          const events = conversations.map((conversation, n) => deliveredEvent(conversation, n));
          const source = sourceOf(events);
          const receiver = simulateReceiver((_id, request) => script[request] ?? 200);
          const delivery = deliveryTo({ events: source, receiver, concurrency });
          expect(await delivery.run()).toBe('ended');

          expect(receiver.mostOpen()).toBeLessThanOrEqual(concurrency);
          const dead = delivery.dead.map(({ event }) => event.id);
          const all = events.map(({ id }) => id);
          expect([...receiver.accepted, ...dead].toSorted()).toEqual(all.toSorted());
          expect(source.acked.toSorted()).toEqual(all.toSorted());
          for (const conversation of CONVERSATIONS) {
            const ids = events.filter((event) => event.conversationId === conversation).map(({ id }) => id);
            // Each event is sent until it has ended, and only then the next one.
            const begun = receiver.begun.filter((id) => ids.includes(id));
            expect(begun.filter((id, at) => id !== begun[at - 1])).toEqual(ids);
            expect(
              isInOrder(
                source.acked.filter((id) => ids.includes(id)),
                ids,
              ),
            ).toBe(true);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
