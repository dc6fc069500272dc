import { describe, expect, it } from 'vitest';
import { createEngineErrors } from '../../../src/worker/fleet/engine-errors.ts';
import { readableLogger } from './log-lines.ts';

const FAILED = 'a call failed; the worker repeats it';

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

describe('errors that a worker gets over', () => {
  function open() {
    const { logger, lines } = readableLogger();
    const codes: string[] = [];
    const clock = { now: 0 };
    const errors = createEngineErrors({ logger, noted: (code) => codes.push(code), now: () => clock.now });
    const written = (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return { errors, codes, clock, written };
  }

  it('are logged once, with advice, however often they come and whatever failed, and all are counted', () => {
    const { errors, codes, written } = open();
    for (let n = 0; n < 5000; n += 1) {
      errors.note(reply("OOM command not allowed when used memory > 'maxmemory'."), n % 2 ? FAILED : 'something else');
    }
    expect(written()).toMatchObject([{ level: 'error', errors: 1, err: { code: 'OOM' } }]);
    expect(String(written()[0]?.['msg'])).toMatch(/^something else: this Redis has no memory left/);
    expect(codes).toHaveLength(5000);
  });

  it('are logged once a minute while they go on, with their number, and as new ones after a pause', () => {
    const { errors, clock, written } = open();
    for (; clock.now < 150_000; clock.now += 100) errors.note(reply('OOM no'), FAILED);
    expect(written().map((line) => line['errors'])).toEqual([1, 600, 600]);
    clock.now += 61_000;
    errors.note(reply('OOM no'), FAILED, { id: '7' });
    expect(written().at(-1)).toMatchObject({ errors: 1, id: '7' });
  });

  it('are told apart by their codes, and without a code by what failed', () => {
    const { errors, written } = open();
    for (const message of ['OOM a', 'NOPERM b', 'OOM c', 'no code', 'no code']) errors.note(reply(message), FAILED);
    errors.note(new TypeError('a fault of ours'), 'something else');
    expect(written()).toMatchObject([
      { err: { code: 'OOM' } },
      { err: { code: 'NOPERM' } },
      { err: { name: 'ReplyError' }, msg: FAILED },
      { err: { name: 'TypeError' }, msg: 'something else' },
    ]);
  });
});
