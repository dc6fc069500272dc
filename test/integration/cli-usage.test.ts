import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { variables } from '../../src/shared/config/variables.ts';
import { version } from '../../src/shared/version.ts';
import { runProcess } from '../support/command-line.ts';
import { runCommand } from '../support/run-command.ts';

// No Redis runs here: whatever is wrong must be told before one is looked for.
const noRedis = { REDIS_URL: 'redis://127.0.0.1:1' };

describe.concurrent('the use of the command line', () => {
  it.each([
    ['an unknown command, with what was meant', ['sned'], /unknown command 'sned'\n\(Did you mean send\?\)/],
    ['an unknown option', ['status', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    ['a missing argument', ['message'], /missing required argument 'ID'/],
    ['too many arguments', ['message', 'a', 'b'], /too many arguments for 'message'/],
    [
      'a replay of nothing',
      ['dead-letters', 'replay'],
      /select entries with --id ID…, with filters such as --reason .*, or with --all/,
    ],
    [
      'a replay of nothing, with --force',
      ['dead-letters', 'replay', '--force', '--rate', '5/s'],
      /select entries with --id/,
    ],
    ['a discard of nothing', ['dead-letters', 'discard', '--yes'], /select entries with --id/],
    [
      'a replay of everything and of a page',
      ['dead-letters', 'replay', '--all', '--page', 'p1'],
      /give a filter or --all, not both/,
    ],
    [
      'a discard of an entry and of a reason',
      ['dead-letters', 'discard', '--id', '0-1', '--reason', 'rejected', '--yes'],
      /give --id or a filter, not both/,
    ],
    [
      'a discard of an empty page',
      ['dead-letters', 'discard', '--page', '', '--yes'],
      /'' is invalid\. It must not be/,
    ],
    [
      'a rate that is none',
      ['dead-letters', 'replay', '--all', '--rate', 'fast'],
      /'fast' is invalid\. It must look like 50\/s/,
    ],
    [
      'an edit without a text',
      ['dead-letters', 'replay', '--id', '0-1', '--set', 'message.text'],
      /It must be <path>=<text>, such as message\.text=Hello/,
    ],
    [
      'two edits of one place',
      ['dead-letters', 'replay', '--id', '0-1', '--set', 'message.text=a', '--set', 'message.text=b'],
      /message\.text is set twice/,
    ],
    [
      'an edit of many entries',
      ['dead-letters', 'replay', '--all', '--set', 'message.text=a'],
      /--set changes one entry: give exactly one --id/,
    ],
    [
      'an edit of two entries',
      ['dead-letters', 'replay', '--id', '0-1', '0-2', '--set', 'message.text=a'],
      /--set changes one entry/,
    ],
    ['an unknown reason', ['dead-letters', 'list', '--reason', 'bored'], /Allowed choices are rejected, exhausted, /],
    [
      'a limit that is no number',
      ['dead-letters', 'list', '--limit', '-1'],
      /'-1' is invalid\. It must be a whole number/,
    ],
    [
      'a time that is none',
      ['dead-letters', 'list', '--since', '5'],
      /'5' is invalid\. It must be a time such as 2026-/,
    ],
    ['a hold of nothing', ['hold'], /give --all, --page, or --page with --conversation/],
    [
      'a hold of everything and a page',
      ['hold', '--all', '--page', 'p1'],
      /'--all' cannot be used with option '--page/,
    ],
    [
      'a release of a conversation without its page',
      ['release', '--conversation', 'c1'],
      /--conversation also needs --page/,
    ],
    ['a page that can not be one', ['hold', '--page', ''], /'' is invalid\. It must not be empty/],
    ['no limit to set', ['limits', 'set'], /give --rate, --page-rate, or both/],
    [
      'a limit that is none',
      ['limits', 'set', '--page-rate', '20'],
      /'20' is invalid\. It must look like 50\/s, 300\/min, .*, or be none or default/,
    ],
  ])('%s exits 2 with a hint on stderr', async (_what, args, said) => {
    const { exitCode, stdout, stderr } = await runCommand(args, noRedis);
    expect([exitCode, stdout]).toEqual([2, []]);
    expect(stderr.join('\n')).toMatch(said);
    expect(stderr.at(-1)).toMatch(/--help to see its arguments and options/);
  });

  it('a discard that can ask nobody exits 2, and says what to give', async () => {
    const { exitCode, stdout, stderr } = await runCommand(['dead-letters', 'discard', '--all'], noRedis);
    expect([exitCode, stdout]).toEqual([2, []]);
    expect(stderr).toEqual([expect.stringMatching(/^error: no terminal to confirm on: give --yes .*, or --dry-run$/)]);
  });

  it('no command at all exits 2, with the commands on stderr', async () => {
    const results = await Promise.all([runCommand([]), runCommand(['dead-letters']), runCommand(['limits'])]);
    for (const { exitCode, stdout } of results) expect([exitCode, stdout]).toEqual([2, []]);
    expect(results[0].stderr.join('\n')).toMatch(/Commands:\n +worker .*\n(.*\n)* +demo /);
    expect(results[1].stderr.join('\n')).toMatch(/Commands:\n +list .*\n(.*\n)* +replay /);
    expect(results[2].stderr.join('\n')).toMatch(/Commands:\n +show .*\n(.*\n)* +set /);
  });

  it('--help and --version exit 0, on stdout', async () => {
    const [help, helpOfCommand, versions] = await Promise.all([
      runProcess(['--help']),
      runCommand(['send', '--help']),
      runProcess(['--version']),
    ]);
    for (const { exitCode, stderr } of [help, helpOfCommand, versions]) expect([exitCode, stderr]).toEqual([0, []]);
    const text = help.stdout.join('\n');
    const commands = ['worker', 'send', 'status', 'message', 'cancel', 'dead-letters', 'hold', 'release', 'limits'];
    for (const command of [...commands, 'fake-api', 'demo']) {
      expect(text).toMatch(new RegExp(`^ +${command} `, 'm'));
    }
    expect(text).toContain('node --env-file=.env');
    expect(helpOfCommand.stdout.join('\n')).toContain('"idempotencyKey":"order-17"');
    expect(versions.stdout).toEqual([version]);
  });

  it('the help of each command names its variables, and each variable is in the help of a command', async () => {
    const helpOf = async (command: string): Promise<string[]> => {
      const { stdout } = await runCommand([...command.split(' '), '--help']);
      const [, listed = ''] = /^Variables:\n((?: .*\n?)+)/m.exec(stdout.join('\n')) ?? [];
      return listed.split(/\s+/).filter((name) => name !== '');
    };
    const connection = 'REDIS_URL REDIS_URL_FILE REDIS_CA_FILE REDIS_CERT_FILE REDIS_KEY_FILE REDIS_NAT_MAP'.split(' ');
    const all = [...connection, 'KITECHAT_NAMESPACE', 'KITECHAT_SHARDS'];
    const readsNoMessage = ['status', 'cancel', 'hold', 'release', 'repair', 'reshard'];
    for (const command of readsNoMessage) expect(await helpOf(command)).toEqual(all);
    for (const command of ['limits show', 'limits set']) {
      expect(await helpOf(command)).toEqual([...all, 'KITECHAT_RATE_LIMIT', 'KITECHAT_PAGE_RATE_LIMIT']);
    }
    const ofMessages = ['KITECHAT_ATTEMPTS', 'KITECHAT_KEEP_DEAD_MS', 'KITECHAT_ENCRYPTION_KEYS_FILE'];
    const ofDeadLetters = ['show', 'discard', 'export'].map((name) => `dead-letters ${name}`);
    for (const command of ['message', ...ofDeadLetters]) {
      expect(await helpOf(command)).toEqual([...all, ...ofMessages]);
    }
    const ofList = await helpOf('dead-letters list');
    expect(ofList).toEqual([...all, ...ofMessages, 'KITECHAT_CONSOLE_SHOW_CONTENT']);
    const [worker, send, replay, console] = await Promise.all(
      ['worker', 'send', 'dead-letters replay', 'console'].map(helpOf),
    );
    expect(send).toEqual(expect.arrayContaining([...all, 'KITECHAT_TTL_MS', 'KITECHAT_MAX_QUEUED']));
    expect(replay).toEqual(send);
    expect(console).toEqual(expect.arrayContaining([...all, 'KITECHAT_HTTP_PORT', 'KITECHAT_CONSOLE_TOKEN_FILE']));
    expect(console).not.toContain('KITECHAT_HOOKS_FILE');
    for (const command of ['fake-api', 'demo']) expect(await helpOf(command)).toEqual([]);
    const ledger = await helpOf('ledger');
    expect(ledger).toEqual([...all, 'KITECHAT_LEDGER', 'KITECHAT_LEDGER_FILE', 'LOG_LEVEL']);
    const listed = new Set([...(worker ?? []), ...(send ?? []), ...ledger]);
    const names = variables.flatMap(({ name, fileName = name }) => [name, fileName]);
    expect(names.filter((name) => !listed.has(name))).toEqual([]);
  });

  it('a variable that does nothing is a warning, with the one that was meant, and never its value', async () => {
    const value = randomUUID();
    const { exitCode, stderr } = await runCommand(['--version'], { KITECHAT_API_KYE: value, KITECHAT_NONSENSE: value });
    expect(exitCode).toBe(0);
    expect(stderr).toEqual([
      'warning: KITECHAT_API_KYE is not a known variable, did you mean KITECHAT_API_KEY?',
      'warning: KITECHAT_NONSENSE is not a known variable',
    ]);
  });

  it.each([
    ['worker'],
    ['send'],
    ['message', '0-1'],
    ['status', '--watch'],
    ['dead-letters', 'replay', '--id', '0-1'],
    ['dead-letters', 'discard', '--all', '--yes'],
    ['dead-letters', 'export'],
  ])('%s: all problems of the configuration are told at once, exit 2, and no value gets out', async (...args) => {
    const secret = randomUUID();
    // A worker logs on the stdout of its process.
    const runIt = args[0] === 'worker' ? runProcess : runCommand;
    const { exitCode, stdout, stderr } = await runIt(args, {
      REDIS_URL: `http://user:${secret}@127.0.0.1`,
      KITECHAT_API_KEY: `${secret}\n${secret}`,
      KITECHAT_API_URL: secret,
      KITECHAT_TIMEOUT_MS: secret,
      KITECHAT_BACKOFF_MS: '10',
      KITECHAT_BACKOFF_MAX_MS: '5',
      LOG_LEVEL: secret,
    });
    expect([exitCode, stdout]).toEqual([2, []]);
    const text = stderr.join('\n');
    for (const name of [
      'REDIS_URL',
      'KITECHAT_API_KEY',
      'KITECHAT_API_URL',
      'KITECHAT_TIMEOUT_MS',
      'KITECHAT_BACKOFF_MAX_MS',
      'LOG_LEVEL',
    ]) {
      expect(text).toMatch(new RegExp(`^  - ${name}: `, 'm'));
    }
    expect(text).not.toContain(secret);
  });

  it('a worker without a key exits 2, and says which variable is missing', async () => {
    const { exitCode, stdout, stderr } = await runProcess(['worker'], noRedis);
    expect([exitCode, stdout]).toEqual([2, []]);
    expect(stderr.join('\n')).toContain(
      'KITECHAT_API_KEY, KITECHAT_API_KEY_FILE and KITECHAT_API_KEYS_FILE are all missing',
    );
  });

  it('a fault in the program exits 1, and tells where it was but nothing that an error holds', async () => {
    const secret = randomUUID();
    // What a rejected promise of ioredis looks like that nobody waits for; it comes as soon as the program would tell.
    const fault = `data:text/javascript,${encodeURIComponent(`
      const args = [process.env.FAULT_SECRET];
      const reject = () => void Promise.reject(Object.assign(new Error(args[0]), { command: { name: 'auth', args } }));
      process.on('newListener', (name) => name === 'uncaughtException' && setTimeout(reject));
    `)}`;
    const { exitCode, stdout, stderr } = await runProcess(['worker'], {
      ...noRedis,
      KITECHAT_API_KEY: 'key',
      LOG_LEVEL: 'silent',
      NODE_OPTIONS: `--import ${fault}`,
      FAULT_SECRET: secret,
    });
    expect([exitCode, stdout]).toEqual([1, []]);
    expect(stderr[0]).toBe('internal error; please report it: Error');
    expect(stderr.join('\n')).not.toContain(secret);
  });
});
