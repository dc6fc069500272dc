import { describe, expect, it } from 'vitest';
import { QueueUnavailableError } from '../../../src/shared/errors/errors.ts';
import { adviceOn } from '../../../src/shared/errors/redis-advice.ts';

describe('what is advised about an error of Redis', () => {
  it.each([
    ['WRONGPASS invalid username-password pair', /password in the URL of Redis is wrong/],
    ['NOPERM this user has no permissions to run the command', /users\.acl/],
    ['MOVED 866 127.0.0.1:7001', /redis\+cluster:\/\//],
    ['NOAUTH Authentication required.', /redis:\/\/user:password@host:port/],
  ])('a reply: %s', (message, advice) => {
    const error = Object.assign(new Error(message), { name: 'ReplyError' });
    expect(adviceOn(error)).toMatch(advice);
    expect(new QueueUnavailableError('Redis refused', { cause: error }).message).toMatch(advice);
  });

  it.each(['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])('a certificate: %s', (code) => {
    expect(adviceOn(Object.assign(new Error('x'), { code }))).toMatch(/REDIS_CA_FILE/);
  });

  it.each(['ECONNREFUSED', 'constructor', '__proto__', 'toString'])(
    'nothing where the code says enough: %s',
    (code) => {
      const error = Object.assign(new Error('x'), { code });
      expect(adviceOn(error)).toBeUndefined();
      expect(new QueueUnavailableError('Redis is away', { cause: error }).message).toMatch(
        /^Redis is away\. Nothing was written/,
      );
    },
  );

  it('stays when the same is told of a call that only reads', () => {
    const cause = Object.assign(new Error('WRONGPASS'), { name: 'ReplyError' });
    const error = new QueueUnavailableError('Redis is away', { cause }).whileReading();
    expect(error.message).toMatch(
      /^Redis is away: the user or the password in the URL of Redis is wrong\. Nothing could be read/,
    );
  });
});
