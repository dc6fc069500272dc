import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { deliveryTo } from '../../support/notify/delivery.ts';
import { deliveredEvent, sourceOf } from '../../support/notify/events.ts';
import { simulateReceiver } from '../../support/notify/simulated-receiver.ts';

const many = (conversation: string, count: number) =>
  Array.from({ length: count }, (_, n) => deliveredEvent(conversation, n));

describe('a receiver that refuses one event', () => {
  it('gets the others, and the event becomes a dead letter after its attempts', async () => {
    const [bad = deliveredEvent('a', 0), next] = many('a', 2);
    const receiver = simulateReceiver((id) => (id === bad.id ? 400 : 200));
    const delivery = deliveryTo({ events: sourceOf([bad, ...many('b', 5), next ?? bad]), receiver, attempts: 3 });
    await delivery.run();
    expect(receiver.begun.filter((id) => id === bad.id)).toHaveLength(3);
    expect(delivery.dead).toMatchObject([{ event: { id: bad.id }, attempts: 3, status: 400, failure: null }]);
    expect(receiver.accepted).toHaveLength(6);
    expect(receiver.begun.indexOf(next?.id ?? '')).toBeGreaterThan(receiver.begun.lastIndexOf(bad.id));
  });

  it('by a failure gets it again without end while it accepts nothing else', async () => {
    const [event = deliveredEvent('a', 0)] = many('a', 1);
    const receiver = simulateReceiver((_id, request) => (request < 30 ? 500 : 200));
    const delivery = deliveryTo({ events: sourceOf([event]), receiver, attempts: 2 });
    await delivery.run();
    expect(receiver.accepted).toEqual([event.id]);
    expect(delivery.dead).toEqual([]);
  });
});

describe('a receiver that is down', () => {
  it('loses nothing, and gets one probe at a time', async () => {
    const events = Array.from({ length: 40 }, (_, n) => deliveredEvent(`c${n}`, n));
    const source = sourceOf(events);
    const receiver = simulateReceiver((_id, request) => (request < 30 ? 'ECONNREFUSED' : 200));
    const delivery = deliveryTo({ events: source, receiver, attempts: 1 });
    await delivery.run();
    expect(delivery.dead).toEqual([]);
    expect(receiver.accepted).toHaveLength(40);
    const texts = delivery.lines.map(({ text }) => text);
    expect(texts.filter((text) => text.startsWith('the receiver does not accept events'))).toHaveLength(1);
    expect(texts.filter((text) => text.startsWith('the receiver answers again'))).toHaveLength(1);
  });
});

describe('a receiver that refuses everything', () => {
  it('makes some twenty dead letters, and the others wait until it accepts', async () => {
    let accepts = false;
    const events = Array.from({ length: 100 }, (_, n) => deliveredEvent(`c${n}`, n));
    const receiver = simulateReceiver(() => (accepts ? 200 : 401));
    const delivery = deliveryTo({ events: sourceOf(events), receiver, attempts: 1 });
    const run = delivery.run();
    await eventually('probes leave', () => receiver.begun.length > 60);
    expect(delivery.dead.length).toBeGreaterThanOrEqual(20);
    // Those that were under way may die as well.
    expect(delivery.dead.length).toBeLessThan(24);
    expect(delivery.state()).toMatchObject({ isReceiverUp: false, waiting: 100 - delivery.dead.length });
    accepts = true;
    await run;
    expect(receiver.accepted.length + delivery.dead.length).toBe(100);
  });
});

describe('a receiver that is gone', () => {
  it('gets nothing more, and the events stay', async () => {
    const source = sourceOf(many('a', 3), { stays: true });
    const receiver = simulateReceiver((_id, request) => (request === 1 ? 200 : 410));
    const delivery = deliveryTo({ events: source, receiver });
    expect(await delivery.run()).toBe('gone');
    expect(receiver.begun).toHaveLength(2);
    expect(source.acked).toHaveLength(1);
  });
});

describe('a dead letter that can not be stored', () => {
  it('is not acknowledged, and the event is sent again', async () => {
    const source = sourceOf(many('a', 1));
    const receiver = simulateReceiver((_id, request) => (request < 4 ? 400 : 200));
    const delivery = deliveryTo({
      events: source,
      receiver,
      attempts: 1,
      bury: () => Promise.reject(new Error('CANARY')),
    });
    await delivery.run();
    expect(receiver.begun).toHaveLength(4);
    expect(source.acked).toHaveLength(1);
  });
});

describe('a delivery that is stopped', () => {
  it('lets open requests end, begins no others, and leaves the other events', async () => {
    const source = sourceOf(many('a', 3), { stays: true });
    const answer = Promise.withResolvers<number>();
    const begun: string[] = [];
    const delivery = deliveryTo({
      events: source,
      receiver: {
        async post({ id }) {
          begun.push(id);
          return { status: await answer.promise, failure: null, retryAfterMs: null, durationMs: 1 };
        },
      },
    });
    const run = delivery.run();
    await eventually('a request is open', () => begun.length === 1);
    void delivery.stop(60_000);
    expect(delivery.state()).toMatchObject({ phase: 'stopping' });
    answer.resolve(200);
    expect(await run).toBe('ended');
    expect(begun).toHaveLength(1);
    expect(source.acked).toEqual([begun[0]]);
  });

  it('gives open requests up when its time is over', async () => {
    const source = sourceOf(many('a', 1), { stays: true });
    let isOpen = false;
    const delivery = deliveryTo({
      events: source,
      receiver: {
        post: (_webhook, signal) =>
          new Promise((resolve) => {
            isOpen = true;
            const answer = { status: null, failure: 'ABORT_ERR', retryAfterMs: null, durationMs: 1 };
            signal?.addEventListener('abort', () => resolve(answer));
          }),
      },
    });
    const run = delivery.run();
    await eventually('a request is open', () => isOpen);
    void delivery.stop(10);
    expect(await run).toBe('ended');
    expect(source.acked).toEqual([]);
  });
});

describe('events that can not be read', () => {
  it('end the delivery with their error, after the open requests', async () => {
    const source = sourceOf(many('a', 1));
    async function* broken() {
      yield* source;
      throw new Error('no events');
    }
    const receiver = simulateReceiver(() => 200);
    const delivery = deliveryTo({ events: broken(), receiver });
    await expect(delivery.run()).rejects.toThrow('no events');
    expect(receiver.accepted).toHaveLength(1);
  });
});

describe('the line about an attempt', () => {
  it('says what was sent, what came and what comes next', async () => {
    const delivery = deliveryTo({
      events: sourceOf(many('a', 1)),
      receiver: simulateReceiver((_id, request) => (request === 1 ? 400 : 200)),
    });
    await delivery.run();
    const common = { eventId: '0-a-0.delivered.0', type: 'message.delivered', messageId: '0-a-0', failure: null };
    expect(delivery.lines).toEqual([
      {
        level: 'warn',
        text: 'the receiver has not accepted the webhook; it is sent again',
        fields: {
          ...common,
          result: 'refused',
          status: 400,
          durationMs: 1,
          attempt: 1,
          used: 1,
          attempts: 3,
          next: 'again',
          waitMs: expect.any(Number) as number,
        },
      },
      {
        level: 'info',
        text: 'the receiver has accepted the webhook',
        fields: {
          ...common,
          result: 'accepted',
          status: 200,
          durationMs: 1,
          attempt: 2,
          used: 1,
          attempts: 3,
          next: 'done',
          waitMs: null,
        },
      },
    ]);
  });
});
