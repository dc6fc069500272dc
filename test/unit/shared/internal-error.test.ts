import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EnqueueUncertainError, QueueUnavailableError } from '../../../src/shared/errors/errors.ts';
import { serializeError } from '../../../src/shared/errors/serialize-error.ts';
import { askRedis, changeRedis, notReadyError, nothingWritten } from '../../../src/shared/session/calls.ts';
import { deadlineIn } from '../../../src/shared/redis/deadline.ts';
import { startNode } from '../../support/command-line.ts';
import { settled } from '../../support/settled.ts';

function faultOf(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_URL' });
}

describe('an internal error', () => {
  it('says its class and code, whose fault it is, what was written, and to report it', () => {
    const error = nothingWritten(faultOf('secret'), 'Redis refused');
    expect(error).toBeInstanceOf(QueueUnavailableError);
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', isInternal: true });
    expect(error.message).toBe(
      'Internal error: TypeError ERR_INVALID_URL, a fault of kitechat-sender or of how it was built into this app (by a bundler, for example). ' +
        'Nothing was written. Please report it with the stack of its cause, which NODE_DEBUG=kitechat-sender prints.',
    );
    expect((error as QueueUnavailableError).whileReading()).toMatchObject({
      isInternal: true,
      message: error.message.replace('written', 'read').replace('Nothing was', 'Nothing could be'),
      cause: { stack: (error.cause as Error).stack },
    });
  });

  it('keeps in its cause where it was thrown, and in its log line', () => {
    const error = nothingWritten(faultOf('secret\n    at secret (place:1:1)'), 'Redis refused');
    expect((error.cause as Error).stack).toMatch(
      /^TypeError: ERR_INVALID_URL\n\s+at faultOf .*internal-error\.test\.ts/,
    );
    expect(serializeError(error).cause?.stack).toMatch(/^\s+at faultOf .*internal-error\.test\.ts/);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('secret');
  });

  it('is not what a lost connection is, whose cause has no frames', async () => {
    const { error } = await settled(askRedis(deadlineIn(1000), Promise.reject(new Error('Connection is closed.'))));
    expect(error).toMatchObject({ isInternal: false });
    expect((error as Error).message).toMatch(
      /^The connection to Redis was lost\. Nothing could be read\. Check that Redis/,
    );
    expect(((error as Error).cause as Error).stack).toBe('Error: no code');
  });

  it('is told as one also if it is the reason why no connection became ready', () => {
    expect(notReadyError(faultOf('secret'))).toMatchObject({ isInternal: true });
    expect(notReadyError(undefined)).toMatchObject({ isInternal: false });
    expect(notReadyError(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toMatchObject({ isInternal: false });
  });

  it('never holds text of the error, whatever kind of call it ends', async () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9+/=-]{8,40}$/).map((text) => `s3cr-${text}`);
    const form = fc.constantFrom<(text: string) => string>(
      (text) => text,
      (text) => `Cannot read properties of ${text}`,
      (text) => `x\n    at ${text} (${text}:1:1)`,
      (text) => `ERR user_script:1: ${text} script: b8ee62e0, on @user_script:1.`,
      (text) => `Connection is closed. ${text}`,
    );
    const name = fc.constantFrom('Error', 'TypeError', 'ReplyError', 'AbortError');
    await fc.assert(
      fc.asyncProperty(secret, form, name, async (text, inForm, called) => {
        const fault = Object.assign(new Error(inForm(text), { cause: new Error(text) }), {
          name: called,
          command: { name: 'evalsha', args: [text] },
        });
        const ended = [
          nothingWritten(fault, 'Redis refused'),
          notReadyError(fault),
          new EnqueueUncertainError('0-1', 'x', { cause: fault, isInternal: true }),
          (await settled(askRedis(deadlineIn(1000), Promise.reject(fault)))).error,
          (await settled(changeRedis(deadlineIn(1000), () => Promise.reject(fault)))).error,
        ];
        for (const error of ended) expect(inspect(error, { depth: 99, showHidden: true })).not.toContain(text);
      }),
    );
  });

  it.each([
    ['prints nothing by itself', {}, /^$/],
    [
      'prints its stack for NODE_DEBUG',
      { NODE_DEBUG: 'kitechat-sender' },
      /KITECHAT-SENDER \d+: TypeError: no code\s+at .*:\d+:\d+/,
    ],
  ])('%s', async (_does, env: Record<string, string>, printed) => {
    const program = `
      import { nothingWritten } from './src/shared/session/calls.ts';
      nothingWritten(new TypeError('secret %s'), 'Redis refused');
    `;
    await using process = startNode(['--input-type=module', '--eval', program], env);
    expect(await process.ended()).toBe(0);
    const { stderr } = process;
    expect(stderr.join('\n')).toMatch(printed);
    expect(stderr.join('\n')).not.toContain('secret');
  });
});
