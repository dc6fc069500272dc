import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.ts';

const noRedis = { REDIS_URL: 'redis://127.0.0.1:1' };

describe.concurrent('a flag or an argument that a command does not have', () => {
  it.each([
    [['status', '--redis-url', 'redis://:hunter2@h'], '--redis-url', 'REDIS_URL'],
    [['status', '--redis-url=redis://:hunter2@h'], '--redis-url', 'REDIS_URL'],
    [['worker', '--api-key', 'hunter2'], '--api-key', 'KITECHAT_API_KEY'],
    [['worker', '--apiKey=hunter2'], '--apiKey', 'KITECHAT_API_KEY'],
    [['worker', '--kitechat-concurrency', '5'], '--kitechat-concurrency', 'KITECHAT_CONCURRENCY'],
    [['--concurrency', '5', 'worker'], '--concurrency', 'KITECHAT_CONCURRENCY'],
    [['dead-letters', 'list', '--namespace', 'x'], '--namespace', 'KITECHAT_NAMESPACE'],
    [['console', '--console_token_file', 'x'], '--console_token_file', 'KITECHAT_CONSOLE_TOKEN_FILE'],
  ])('%j: a flag that looks like a variable points to it, without the value', async (args, flag, variable) => {
    const { exitCode, stderr } = await runCommand(args, noRedis);
    expect([exitCode, stderr]).toEqual([
      2,
      [
        `error: unknown option '${flag}'`,
        `(It is a variable: set ${variable} in the environment.)`,
        'Run the command with --help to see its arguments and options.',
      ],
    ]);
  });

  it.each([
    ['limits set --rate-limit 5', '--rate-limit', 'Did you mean --rate?'],
    ['limits set --page-rate-limit 5', '--page-rate-limit', 'Did you mean --page-rate?'],
    ['worker --hooks-file x', '--hooks-file', 'Did you mean --hooks?'],
    ['worker --port 7070', '--port', 'It is a variable: set KITECHAT_HTTP_PORT in the environment.'],
    ['status --redis redis://:hunter2@h', '--redis', 'It is a variable: set REDIS_URL in the environment.'],
    ['worker --url x', '--url', 'It is a variable: set REDIS_URL or KITECHAT_API_URL in the environment.'],
    [
      'send --rate-limit 5',
      '--rate-limit',
      'KITECHAT_RATE_LIMIT is a variable of "kitechat-sender worker"; this command does not use it.',
    ],
    [
      'worker --max-queued 5',
      '--max-queued',
      'KITECHAT_MAX_QUEUED is a variable of "kitechat-sender send"; this command does not use it.',
    ],
    [
      'fake-api --api-url x',
      '--api-url',
      'KITECHAT_API_URL is a variable of "kitechat-sender worker"; this command does not use it.',
    ],
    [
      'worker --env-file package.json',
      '--env-file',
      'No command reads such a file: use "node --env-file=.env", "docker run --env-file", or env_file of Docker Compose.',
    ],
  ])('%s: a flag is explained by what the command has', async (command, flag, hint) => {
    const { exitCode, stderr } = await runCommand(command.split(' '), noRedis);
    expect([exitCode, ...stderr.slice(0, 2)]).toEqual([2, `error: unknown option '${flag}'`, `(${hint})`]);
  });

  it.each([
    'worker KITECHAT_API_KEY=hunter2',
    'message id KITECHAT_API_KEY=hunter2',
    'KITECHAT_API_KEY=hunter2 worker',
  ])('%s: an argument that sets a variable is explained, without the value', async (command) => {
    const { exitCode, stderr } = await runCommand(command.split(' '), noRedis);
    expect([exitCode, ...stderr.slice(0, 2)]).toEqual([
      2,
      'error: KITECHAT_API_KEY=… is not an argument',
      '(It looks like a variable: write KITECHAT_API_KEY=… before the name of the program, or export it.)',
    ]);
  });

  it('the value of another unknown flag is not shown either', async () => {
    const { stderr } = await runCommand(['status', '--passwort=hunter2'], noRedis);
    expect(stderr[0]).toBe("error: unknown option '--passwort'");
  });
});
