import { inspect } from 'node:util';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { describeSafely, safeCause } from '../../../src/shared/errors/safe-cause.ts';

describe('a safe cause', () => {
  it('has the code that Redis puts in front of its answer, and not the rest of it', () => {
    const error = Object.assign(new Error('WRONGPASS invalid pair for user hunter2'), { name: 'ReplyError' });
    expect(describeSafely(error)).toEqual({ name: 'ReplyError', code: 'WRONGPASS' });
  });

  it('does not take the first word of another error for a code', () => {
    expect(describeSafely(new Error('HUNTER2 is wrong'))).toEqual({ name: 'Error' });
  });

  it('follows the causes', () => {
    const inner = Object.assign(new Error('secret'), { code: 'UND_ERR_SOCKET' });
    expect(safeCause(new TypeError('secret', { cause: inner }))).toMatchObject({
      name: 'TypeError',
      cause: { code: 'UND_ERR_SOCKET' },
    });
  });

  it('ends for an error that is its own cause', () => {
    const error = new Error('secret');
    error.cause = error;
    expect(inspect(safeCause(error), { depth: 99 })).not.toContain('secret');
  });

  it.each(['secret', null, undefined, 5, { message: 'secret' }, { name: {}, code: 7 }])(
    'is made of any thrown value: %j',
    (thrown) => {
      expect(safeCause(thrown)).toBeInstanceOf(Error);
      expect(inspect(safeCause(thrown), { depth: 99, showHidden: true })).not.toContain('secret');
    },
  );

  it('never holds text of an error, wherever it stands', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9+/=-]{8,40}$/).map((text) => `s3cr-${text}`);
    const place = fc.constantFrom('message', 'code', 'syscall', 'name', 'address', 'stack', 'command', 'request');
    fc.assert(
      fc.property(secret, place, fc.constantFrom('Error', 'ReplyError', 'AbortError'), (text, key, name) => {
        const error = Object.assign(new Error('x'), { name }, { [key]: key === 'command' ? { args: [text] } : text });
        const outer = new Error(text, { cause: error });
        expect(inspect(safeCause(outer), { depth: 99, showHidden: true })).not.toContain(text);
      }),
    );
  });
});
