import { describe, expect, it } from 'vitest';
import { failureOf } from '../../../src/cli/terminal/failure.ts';
import { changeRedis, type ChangeUncertainError } from '../../../src/shared/session/calls.ts';
import { deadlineIn } from '../../../src/shared/redis/deadline.ts';
import { KitechatSenderError, QueueUnavailableError } from '../../../src/shared/errors/errors.ts';
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
    ['the connection was lost', () => Promise.reject(new Error('secret')), /^The connection to Redis was lost\. /],
  ])('says that the change may have been made if %s', async (_why, change, said) => {
    const { error } = await settled(changeRedis(deadlineIn(20), change));
    expect(error).toBeInstanceOf(KitechatSenderError);
    expect(error).toMatchObject({ name: 'ChangeUncertainError', code: 'CHANGE_UNCERTAIN' });
    expect((error as ChangeUncertainError).message).toMatch(said);
    expect((error as ChangeUncertainError).message).not.toContain('secret');
    expect(failureOf(error)?.exitCode).toBe(3);
  });
});
