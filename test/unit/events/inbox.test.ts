import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createInbox, type Handed, type Inbox } from '../../../src/events/inbox.ts';
import type { EventEntry } from '../../../src/shared/lanes/stream/read-events.ts';

const AT = 1_796_099_395_000;

function entryOf(number: number, message = `0-${number}`): EventEntry {
  const parts = ['delivered', message, 'p1/c1', String(AT + number), String(AT), '', '0', '', ''];
  return { number, fields: ['event', parts.join('\u001F')] };
}

const newInbox = (): Inbox => createInbox({ group: 'crm', shard: 0, onAck: () => {} });

function takeAll(inbox: Inbox): Handed[] {
  const taken: Handed[] = [];
  for (let next = inbox.next(); next; next = inbox.next()) taken.push(next);
  return taken;
}

const nameOf = ({ event }: Handed): string => (event.type === 'gap' ? `lost ${event.lost}` : event.messageId);

describe('the inbox of a reader', () => {
  it('hands out each event until it is acknowledged and written, in order, and tells each lost one', () => {
    const step = fc.oneof(
      fc.record({ does: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ does: fc.constant('trim' as const), count: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ does: fc.constant('read' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ does: fc.constant('take and acknowledge' as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ does: fc.constant('take' as const), count: fc.integer({ min: 1, max: 2 }) }),
      fc.record({ does: fc.constant('write' as const), count: fc.constant(1) }),
      fc.record({ does: fc.constant('lose the answer' as const), count: fc.constant(1) }),
      fc.record({ does: fc.constant('crash' as const), count: fc.constant(1) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let stream: number[] = [];
        let last = 0;
        let written = { upTo: 0, beyond: '' };
        let inbox = newInbox();
        const handled: number[] = [];
        const lost = new Set<number>();
        const take = (acknowledges: boolean): boolean => {
          const next = inbox.next();
          if (!next) return false;
          const { event } = next;
          if (event.type === 'gap') {
            const [from = 0, to = 0] = (event.id.split('.').at(-1) ?? '').split('-').map(Number);
            expect(event.lost).toBe(to - from + 1);
            for (let number = from; number <= to; number += 1) {
              expect(stream).not.toContain(number);
              if (acknowledges) lost.add(number);
            }
          } else if (acknowledges) {
            handled.push(Number(event.messageId.slice(2)));
          }
          if (acknowledges) next.ack();
          return true;
        };
        const read = (most: number): void =>
          inbox.receive(
            stream
              .filter((number) => number > inbox.position())
              .slice(0, most)
              .map((number) => entryOf(number)),
          );
        for (const { does, count } of steps) {
          if (does === 'append') for (let n = 0; n < count; n += 1) stream.push((last += 1));
          if (does === 'trim') stream = stream.slice(Math.min(count, Math.max(0, stream.length - 1)));
          if (does === 'read') read(count);
          for (let n = 0; n < count; n += 1) {
            if (does === 'take') take(false);
            if (does === 'take and acknowledge') take(true);
          }
          const toWrite = does === 'write' || does === 'lose the answer' ? inbox.toWrite() : null;
          if (toWrite) written = toWrite;
          if (does === 'write') inbox.written();
          if (does === 'lose the answer') inbox.begin(written.upTo, written.beyond);
          if (does === 'crash') {
            inbox = newInbox();
            inbox.begin(written.upTo, written.beyond);
          }
        }
        inbox.begin(written.upTo, written.beyond);
        stream.push((last += 1));
        read(Infinity);
        while (take(true)) read(Infinity);
        for (let number = 1; number <= last; number += 1) {
          expect([number, handled.includes(number) || lost.has(number)]).toEqual([number, true]);
        }
        const firsts = handled.filter((number, at) => handled.indexOf(number) === at);
        expect(firsts).toEqual(firsts.toSorted((one, other) => one - other));
      }),
    );
  });

  it('does not hand out again what was acknowledged before a write was lost, and knows it by its id', () => {
    const inbox = newInbox();
    inbox.receive([entryOf(1), entryOf(2), entryOf(3)]);
    const [first, second] = takeAll(inbox);
    first?.ack();
    expect(inbox.toWrite()).toEqual({ upTo: 1, beyond: '' });
    second?.ack();
    // Redis has lost the write, and the first event: the second one has its number now.
    inbox.begin(0, '');
    inbox.receive([2, 3, 4].map((number) => ({ number: number - 1, fields: entryOf(number).fields })));
    expect(takeAll(inbox).map(nameOf)).toEqual(['0-3', '0-4']);
  });

  it('takes no late acknowledgement for that of another event with the same number', () => {
    const inbox = newInbox();
    inbox.receive([entryOf(1)]);
    const [before] = takeAll(inbox);
    inbox.begin(0, '');
    inbox.receive([entryOf(1, '0-other')]);
    before?.ack();
    expect(inbox.toWrite()).toBeNull();
    expect(takeAll(inbox).map(nameOf)).toEqual(['0-other']);
  });

  it('gives a gap the same id each time', () => {
    const inbox = newInbox();
    inbox.begin(4, '6-6');
    inbox.receive([entryOf(9)]);
    const ids = takeAll(inbox).map(({ event }) => event.id);
    inbox.begin(4, '6-6');
    inbox.receive([entryOf(9)]);
    expect(takeAll(inbox).map(({ event }) => event.id)).toEqual(ids);
    expect(ids.slice(0, 2)).toEqual(['crm.0.gap.5-5', 'crm.0.gap.7-8']);
  });

  it('acknowledges what others have added, so that it stops nothing', () => {
    const inbox = newInbox();
    inbox.receive([{ number: 1, fields: ['hello', 'world'] }, { number: null, fields: [] }, entryOf(2)]);
    const [only] = takeAll(inbox);
    only?.ack();
    expect(inbox.toWrite()).toEqual({ upTo: 2, beyond: '' });
  });
});
