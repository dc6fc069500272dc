import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SendRequest } from '../../../src/shared/model/message.ts';
import { createFaultPicker } from '../../../src/testing/fake-api/fault-picker.ts';
import type { Fault } from '../../../src/testing/fake-api/faults.ts';
import { textRequest } from './requests.ts';

function kindsFor(faults: Fault[], requests: SendRequest[], seed = 1): string[] {
  const pick = createFaultPicker(faults, seed);
  return requests.map((request) => pick(request).fault?.kind ?? '-');
}

const numbered = (count: number): SendRequest[] => Array.from({ length: count }, (_, n) => textRequest(`message ${n}`));

describe('createFaultPicker', () => {
  it('gives the first fault that applies', () => {
    const faults: Fault[] = [
      { kind: 'hang', match: { pageId: 'other' } },
      { kind: 'garbage' },
      { kind: 'broken-body' },
    ];
    expect(kindsFor(faults, numbered(2))).toEqual(['garbage', 'garbage']);
  });

  it('adds up the latencies before the fault that wins, and leaves out those behind it', () => {
    const pick = createFaultPicker(
      [{ kind: 'latency', ms: 10 }, { kind: 'latency', ms: 5 }, { kind: 'hang' }, { kind: 'latency', ms: 100 }],
      1,
    );
    expect(pick(textRequest('a'))).toEqual({ latencyMs: 15, fault: { kind: 'hang' } });
  });

  it('chooses requests by page, conversation, type and text', () => {
    const image: SendRequest = {
      pageId: 'p1',
      conversationId: 'c1',
      message: { type: 'image', url: 'https://example.com/a.png', text: 'a "quoted" caption' },
    };
    const requests = [textRequest('x', 'c1', 'p1'), textRequest('x', 'c2', 'p1'), textRequest('x', 'c1', 'p2'), image];
    const chosenBy = (match: NonNullable<Fault['match']>): string[] => kindsFor([{ kind: 'hang', match }], requests);
    expect(chosenBy({ pageId: 'p1' })).toEqual(['hang', 'hang', '-', 'hang']);
    expect(chosenBy({ conversationId: 'c2' })).toEqual(['-', 'hang', '-', '-']);
    expect(chosenBy({ type: 'image' })).toEqual(['-', '-', '-', 'hang']);
    expect(chosenBy({ textIncludes: '"quoted"' })).toEqual(['-', '-', '-', 'hang']);
    expect(chosenBy({ textIncludes: 'image' })).toEqual(['-', '-', '-', '-']);
    expect(chosenBy({ pageId: 'p1', conversationId: 'c1', type: 'text' })).toEqual(['hang', '-', '-', '-']);
  });

  it('counts the nth among the requests that match, also those that another fault took', () => {
    const second: Fault = { kind: 'garbage', match: { conversationId: 'c1', nth: 2 } };
    const requests = [textRequest('a'), textRequest('b', 'c2'), textRequest('c'), textRequest('d')];
    expect(kindsFor([second], requests)).toEqual(['-', '-', 'garbage', '-']);
    expect(kindsFor([{ kind: 'hang', times: 1 }, second], requests)).toEqual(['hang', '-', 'garbage', '-']);
  });

  it('stops after so many times', () => {
    expect(kindsFor([{ kind: 'hang', times: 2 }], numbered(4))).toEqual(['hang', 'hang', '-', '-']);
  });

  it('never applies a rate of 0 and always a rate of 1', () => {
    expect(new Set(kindsFor([{ kind: 'hang', rate: 0 }], numbered(500)))).toEqual(new Set(['-']));
    expect(new Set(kindsFor([{ kind: 'hang', rate: 1 }], numbered(500)))).toEqual(new Set(['hang']));
  });

  it.each([0, 1, 2, 3])('meets about the share that the rate says, with seed %i', (seed) => {
    const hangs = kindsFor([{ kind: 'hang', rate: 0.12 }], numbered(5000), seed).filter((kind) => kind === 'hang');
    expect(hangs.length / 5000).toBeGreaterThan(0.1);
    expect(hangs.length / 5000).toBeLessThan(0.14);
  });

  it('draws anew when a message comes again', () => {
    const kinds = kindsFor([{ kind: 'hang', rate: 0.5 }], Array<SendRequest>(1000).fill(textRequest('same')));
    expect(kinds.filter((kind) => kind === 'hang').length).toBeGreaterThan(400);
    expect(kinds.filter((kind) => kind === '-').length).toBeGreaterThan(400);
  });

  it('draws for each fault by itself', () => {
    const kinds = kindsFor(
      [
        { kind: 'hang', rate: 0.5 },
        { kind: 'garbage', rate: 0.5 },
      ],
      numbered(2000),
    );
    const garbage = kinds.filter((kind) => kind === 'garbage').length;
    expect(garbage).toBeGreaterThan(400);
    expect(garbage).toBeLessThan(600);
  });

  it('gives other faults with another seed', () => {
    const faults: Fault[] = [{ kind: 'hang', rate: 0.5 }];
    expect(kindsFor(faults, numbered(100), 1)).not.toEqual(kindsFor(faults, numbered(100), 2));
  });

  it('gives each message the same faults with the same seed, in whatever order they come', () => {
    const faults: Fault[] = [
      { kind: 'hang', rate: 0.3 },
      { kind: 'garbage', rate: 0.3 },
    ];
    const requests = numbered(30).flatMap((request) => [request, request]);
    const byMessage = (order: SendRequest[], seed: number): Map<string, string> => {
      const kinds = kindsFor(faults, order, seed);
      const found = new Map<string, string>();
      for (const [i, request] of order.entries()) {
        const key = JSON.stringify(request);
        found.set(key, `${found.get(key) ?? ''} ${kinds[i]}`);
      }
      return found;
    };
    fc.assert(
      fc.property(fc.integer(), fc.shuffledSubarray(requests, { minLength: requests.length }), (seed, shuffled) => {
        expect(byMessage(shuffled, seed)).toEqual(byMessage(requests, seed));
      }),
      { numRuns: 50 },
    );
  });
});
