import { describe, expect, it } from 'vitest';
import { QueueUnavailableError } from '../../../src/shared/errors/errors.ts';
import { notReadyError } from '../../../src/shared/session/calls.ts';
import { adviceOn, isPassing, isRefusal } from '../../../src/shared/errors/redis-advice.ts';

describe('what is advised about an error of Redis', () => {
  it.each([
    ['WRONGPASS invalid username-password pair', /password in the URL of Redis is wrong/],
    ['NOPERM this user has no permissions to run the command', /users\.acl/],
    // From a script: Redis 6.2, also in the answer for one message; 7.0; and since 7.2.
    ["@user_script: 12: The user executing the script can't run this command or subcommand", /users\.acl/],
    [
      "ERR Error running script (call to f_7f92): @user_script:1: @user_script: 1: The user executing the script can't run this command or subcommand",
      /users\.acl/,
    ],
    [
      "ERR The user executing the script can't run this command or subcommand script: 7f92, on @user_script:1.",
      /users\.acl/,
    ],
    [
      "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: 7f92, on @user_script:1.",
      /users\.acl/,
    ],
    [
      "NOPERM ACL failure in script: User reader has no permissions to run the 'hset' command script: 7f92, on @user_script:1.",
      /users\.acl/,
    ],
    ['MOVED 866 127.0.0.1:7001', /redis\+cluster:\/\//],
    ['NOAUTH Authentication required.', /user:password@/],
    ['ERR This instance has cluster support disabled', /single Redis.*redis:\/\//],
  ])('a reply: %s', (message, advice) => {
    const error = Object.assign(new Error(message), { name: 'ReplyError' });
    expect(adviceOn(error)).toMatch(advice);
    expect(new QueueUnavailableError('Redis refused', { cause: error }).message).toMatch(advice);
  });

  it.each([
    ["READONLY You can't write against a read only replica.", /read-only replica.*primary/],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", /read-only replica.*primary/],
    ['LOADING Redis is loading the dataset in memory', /loading its data/],
    ['NOREPLICAS Not enough good replicas to write.', /min-replicas-to-write/],
    ['MISCONF Redis is configured to save RDB snapshots, but …', /snapshot to disk/],
    // From a script, before Redis 7 and since.
    [
      "ERR Error running script (call to f_7f92): @user_script:1: @user_script: 1: -READONLY You can't write …",
      /read-only replica/,
    ],
    ["@user_script: 1: -READONLY You can't write against a read only replica.", /read-only replica/],
    ["READONLY You can't write against a read only replica. script: 7f92, on @user_script:3.", /read-only replica/],
  ])('a Redis that refuses writes for a while: %s', (text, advised) => {
    const error = Object.assign(new Error(text), { name: 'ReplyError' });
    expect(adviceOn(error)).toMatch(advised);
    expect([isRefusal(error), isPassing(error)]).toEqual([true, true]);
    expect(new QueueUnavailableError('Redis refused', { cause: error }).message).not.toContain('user_script');
  });

  it.each([
    ['OOM command not allowed when used memory > maxmemory', true],
    ['BUSY Redis is busy running a script', true],
    ['CLUSTERDOWN Hash slot not served', true],
    ['NOPERM this user has no permissions', false],
    ['MOVED 1 127.0.0.1:7001', false],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', false],
  ])('another refusal that passes by itself, or not: %s', (text, passes) => {
    const error = Object.assign(new Error(text), { name: 'ReplyError' });
    expect([isRefusal(error), isPassing(error)]).toEqual([false, passes]);
  });

  it('nothing is a refusal of Redis that Redis has not said', () => {
    expect(isRefusal(new Error('READONLY says a message that somebody wrote'))).toBe(false);
    const quoting = new Error('ERR no such thing: READONLY');
    expect(isRefusal(Object.assign(quoting, { name: 'ReplyError' }))).toBe(false);
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

  it.each([
    ["READONLY You can't write", 'Redis refuses writes now', 'Call again when'],
    ['NOREPLICAS Not enough good replicas to write.', 'Redis refuses writes now', 'Call again when'],
    ['LOADING Redis is loading', 'Redis refuses commands now', 'Call again when'],
    ['WRONGPASS invalid username-password pair', 'Redis refused the login', 'when this is fixed'],
    ['NOAUTH Authentication required.', 'Redis refused the login', 'when this is fixed'],
    ['ERR max number of clients reached', 'Redis refused the connection', 'Check that Redis'],
  ])('a Redis that was reached is not said to be away: %s', (text, detail, cure) => {
    const { message } = notReadyError(Object.assign(new Error(text), { name: 'ReplyError' }));
    expect(message.startsWith(detail)).toBe(true);
    expect(message).toContain(cure);
  });

  it('a certificate is a matter of TLS, and only a Redis that is away could not be reached', () => {
    const tls = notReadyError(Object.assign(new Error('x'), { code: 'CERT_HAS_EXPIRED' }));
    expect(tls.message).toMatch(
      /^The TLS handshake with Redis failed: its certificate has expired\. .* when this is fixed/,
    );
    const away = notReadyError(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
    expect(away.message).toMatch(/^Redis could not be reached in time\. .* Check that Redis is running/);
  });

  it('stays when the same is told of a call that only reads', () => {
    const cause = Object.assign(new Error('WRONGPASS'), { name: 'ReplyError' });
    const error = new QueueUnavailableError('Redis is away', { cause }).whileReading();
    expect(error.message).toMatch(
      /^Redis is away: the user or the password in the URL of Redis is wrong\. Nothing could be read/,
    );
  });
});
