import { describe, expect, it } from 'vitest';
import type { RestoreNotice } from '../../../src/shared/lanes/lib/timeline.ts';
import { describeHolds } from '../../../src/shared/reading/holds.ts';

const at = (second: number): number => Date.UTC(2026, 10, 30, 17, 0, second);

function held(restore: Partial<RestoreNotice>): { reason: 'restored'; restore: RestoreNotice } {
  return {
    reason: 'restored',
    restore: { kind: 'restored', since: at(30), backTo: at(1), messages: 1, isHeld: true, ...restore },
  };
}

describe('the hold after a restore', () => {
  it('is one for all shards, from the latest state that was seen to the earliest, with the messages of all', () => {
    const standing = [
      held({ since: at(31), seenAt: at(20), backTo: at(3), messages: 30 }),
      held({ since: at(30), seenAt: at(21), backTo: at(2), messages: 12 }),
    ];
    expect(describeHolds(standing, { open: [], nowMs: at(40) })).toEqual([
      {
        scope: 'all',
        reason: 'restored',
        since: '2026-11-30T17:00:30.000Z',
        evidence:
          'Redis went back from 2026-11-30T17:00:21.000Z to 2026-11-30T17:00:02.000Z; up to 42 messages may be sent twice',
      },
    ]);
  });

  it('says so if nobody can be sure', () => {
    const [hold] = describeHolds([held({ kind: 'suspected' })], { open: [], nowMs: at(40) });
    expect(hold?.evidence).toBe(
      'Redis was started with its state of 2026-11-30T17:00:01.000Z, which may be an old one; up to 1 message may be sent twice',
    );
  });
});
