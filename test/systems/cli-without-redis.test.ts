import { describe, expect, it } from 'vitest';
import { randomPort } from '../../src/testing/redis/random-port.ts';
import { startCommand } from '../support/command-line.ts';
import { runCommand } from '../support/run-command.ts';
import { unknownId } from '../support/messages.ts';

// Many processes at once, so in a file of their own.
describe.concurrent('commands that ask or change, without Redis', () => {
  const away = { REDIS_URL: `redis://:secret@127.0.0.1:${randomPort()}` };

  const questions = [
    ['status', '--json'],
    ['message', unknownId],
    ['message', 'nonsense'],
    ['dead-letters', 'list'],
    ['dead-letters', 'show', unknownId],
    ['dead-letters', 'show', 'nonsense'],
    ['dead-letters', 'export'],
    ['limits', 'show'],
    // They look first, and change then.
    ['dead-letters', 'replay', '--id', unknownId],
    ['dead-letters', 'replay', '--all'],
    ['dead-letters', 'discard', '--reason', 'rejected', '--yes'],
  ];
  const changes = [
    ['cancel', unknownId],
    ['cancel', 'nonsense'],
    ['hold', '--page', 'p1'],
    ['release', '--all'],
    ['limits', 'set', '--rate', '5/s'],
  ];

  it.each([
    ['ask', questions, 'Nothing could be read'],
    ['change', changes, 'Nothing was written'],
  ])('that %s exit 3 within their time, with a message for people alone', async (_what, commands, effect) => {
    for (const { exitCode, stdout, stderr } of await Promise.all(commands.map((args) => runCommand(args, away)))) {
      expect([exitCode, stdout]).toEqual([3, []]);
      expect(stderr).toHaveLength(1);
      expect(stderr[0]).toMatch(
        /^Redis could not be reached in time\..*REDIS_URL.*\(redis:\/\/127\.0\.0\.1:\d+\/0(, \w+)?\)$/,
      );
      expect(stderr[0]).toContain(`. ${effect}. `);
    }
  });

  it('are ended at once by SIGINT, and exit 130', async () => {
    // The warning tells when the command has begun.
    await using asking = startCommand(['status'], { ...away, KITECHAT_UNKNOWN: 'x' });
    await asking.lineWhere('stderr', (line) => line.startsWith('warning:'));
    asking.kill('SIGINT');
    expect(await asking.ended()).toBe(130);
    expect(asking.stderr).toHaveLength(1);
  });
});
