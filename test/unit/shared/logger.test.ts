import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { QueueUnavailableError } from '../../../src/shared/errors/errors.ts';
import { createLogger, type Logger } from '../../../src/shared/logging/logger.ts';

interface Line {
  [key: string]: unknown;
  msg?: string;
  err?: { [key: string]: unknown; stack?: string };
}

function logged(write: (log: Logger) => void, level: 'info' | 'debug' | 'silent' = 'info'): Line[] {
  const lines: Line[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Line) };
  write(createLogger({ level, destination }));
  return lines;
}

function redisError(secret: string): Error {
  return Object.assign(new Error(`WRONGPASS ${secret}\n    at ${secret} (file.js:1:1)`), {
    name: 'ReplyError',
    command: { name: 'auth', args: [secret] },
    request: { headers: { apikey: secret }, body: secret },
    response: { body: secret },
  });
}

describe('the logger', () => {
  it('writes JSON lines with an ISO time, the level as a word and nothing about the machine', () => {
    const [line] = logged((log) => log.info({ messageId: '0-01J' }, 'delivered'));
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      name: 'kitechat-sender',
      messageId: '0-01J',
      msg: 'delivered',
    });
  });

  it.each([
    ['silent', 0],
    ['info', 1],
    ['debug', 2],
  ] as const)('writes at level %s only what belongs there', (level, count) => {
    const lines = logged((log) => {
      log.debug('a');
      log.info('b');
    }, level);
    expect(lines).toHaveLength(count);
  });

  it('names the class, the code and the place of a foreign error, and not its message', () => {
    const [line] = logged((log) => log.error({ err: redisError('hunter2') }, 'Redis refused'));
    expect(line).toMatchObject({ msg: 'Redis refused', err: { name: 'ReplyError', code: 'WRONGPASS' } });
    expect(Object.keys(line?.err ?? {})).toEqual(['name', 'code', 'stack']);
    expect(line?.err?.stack).toContain('logger.test.ts');
  });

  it('tells the message and the cause of our own errors', () => {
    const err = new QueueUnavailableError('Redis did not answer', { cause: redisError('hunter2') });
    const [line] = logged((log) => log.error({ err }));
    expect(line?.msg).toBe(err.message);
    expect(line?.err).toMatchObject({
      name: 'QueueUnavailableError',
      code: 'QUEUE_UNAVAILABLE',
      message: err.message,
      cause: { name: 'ReplyError', code: 'WRONGPASS' },
    });
  });

  it('has a message of its own for an error that comes without one', () => {
    const lines = logged((log) => {
      log.error({ err: redisError('hunter2') });
      log.error(redisError('hunter2'));
      log.error({ err: new TypeError('hunter2') });
    });
    expect(lines.map(({ msg }) => msg)).toEqual(['ReplyError WRONGPASS', 'ReplyError WRONGPASS', 'TypeError']);
  });

  it('lets no secret of an error out, however the error is passed', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{8,40}$/).map((text) => `s3cr-${text}`);
    fc.assert(
      fc.property(secret, (text) => {
        const err = redisError(text);
        const lines = logged((log) => {
          log.error({ err });
          log.error(err);
          log.error(err, 'failed');
          log.error({ error: err }, 'failed');
          log.error({ err: new Error(text, { cause: err }) });
          log.error({ err: text });
          log.error({ err: { message: text } });
          log.child({ err }).error('failed');
        });
        expect(lines).toHaveLength(8);
        expect(JSON.stringify(lines)).not.toContain(text);
      }),
    );
  });
});
