import { describe, expect, it } from 'vitest';
import { failureOf } from '../../../src/cli/terminal/failure.ts';
import { changeRedis, type ChangeUncertainError } from '../../../src/shared/session/calls.ts';
import { deadlineIn } from '../../../src/shared/redis/deadline.ts';
import { ConfigError, KitechatSenderError, QueueUnavailableError } from '../../../src/shared/errors/errors.ts';
import { settled } from '../../support/settled.ts';

describe('changeRedis', () => {
  it('gives the answer', async () => {
    expect(await changeRedis(deadlineIn(1000), async () => 'done')).toBe('done');
  });

  it('does not begin without time left, so nothing was written', async () => {
    let begun = false;
    const { error } = await settled(
      changeRedis(deadlineIn(0), async () => {
        begun = true;
      }),
    );
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(begun).toBe(false);
  });

  it('says that nothing was written if Redis refused', async () => {
    const refusal = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' });
    const { error } = await settled(changeRedis(deadlineIn(1000), () => Promise.reject(refusal)));
    expect(error).toBeInstanceOf(QueueUnavailableError);
  });

  it.each([
    ['no answer came in time', () => new Promise(() => {}), /^Redis did not answer in time\. The change may /],
    [
      'the connection was lost',
      () => Promise.reject(new Error('Connection is closed. secret')),
      /^The connection to Redis was lost\. /,
    ],
  ])('says that the change may have been made if %s', async (_why, change, said) => {
    const { error } = await settled(changeRedis(deadlineIn(20), change));
    expect(error).toBeInstanceOf(KitechatSenderError);
    expect(error).toMatchObject({ name: 'ChangeUncertainError', code: 'CHANGE_UNCERTAIN' });
    expect((error as ChangeUncertainError).message).toMatch(said);
    expect((error as ChangeUncertainError).message).not.toContain('secret');
    expect(failureOf(error)?.exitCode).toBe(3);
  });

  it.each([
    ['an internal error', new TypeError('secret'), /^Internal error: TypeError, a fault of kitechat-sender /],
    [
      'a script that failed midway',
      reply('ERR user_script:1: attempt to secret script: b8ee62e0, on @user_script:1.'),
      /^Internal error: ReplyError ERR, a fault /,
    ],
    [
      'a command in a script',
      reply('WRONGTYPE Operation against a key script: b8ee62e0, on @user_script:1.'),
      /^Redis refused the change\. /,
    ],
  ])('says that the change may have been made for %s, which is not an outage of Redis', async (_what, cause, said) => {
    const { error } = await settled(changeRedis(deadlineIn(1000), () => Promise.reject(cause)));
    expect(error).toMatchObject({ code: 'CHANGE_UNCERTAIN', isInternal: said.source.startsWith('^Internal') });
    expect((error as Error).message).toMatch(said);
    expect((error as Error).message).not.toContain('secret');
  });

  it('says what to do about a right that a script lacks, which it may notice after it has written', async () => {
    const cause = reply('NOPERM ACL failure in script: secret script: b8ee62e0, on @user_script:9.');
    const { error } = await settled(changeRedis(deadlineIn(1000), () => Promise.reject(cause)));
    expect(error).toMatchObject({ code: 'CHANGE_UNCERTAIN', isInternal: false });
    expect((error as Error).message).toMatch(
      /^Redis refused the change: the Redis user lacks a right; .*users\.acl .*\. The change may have been made or not\. Make it again when this is fixed; that is safe\.$/,
    );
  });

  it('leaves our own errors as they are', async () => {
    const problem = new ConfigError(['the namespace is another']);
    const { error } = await settled(changeRedis(deadlineIn(1000), () => Promise.reject(problem)));
    expect(error).toBe(problem);
  });
});

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}
