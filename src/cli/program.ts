import { once } from 'node:events';
import { Command, Option } from 'commander';
import { version } from '../shared/version.ts';
import { addActor } from './context/actor.ts';
import {
  type Actions,
  historyStart,
  json,
  lazily,
  opaqueId,
  repeatable,
  type Run,
  shardCount,
  timeFlag,
  wholeNumberFlag,
} from './context/arguments.ts';
import { type CommandContext, type ExitCode, exitCodes } from './context/context.ts';
import { addDeadLetterCommands } from './dead-letters/commands.ts';
import { withUsageErrors } from './context/usage-errors.ts';
import { uses } from './context/uses.ts';
import { withVariables } from './context/variables.ts';
import type { FakeApiOptions } from './commands/fake-api.ts';
import { addLedgerCommand } from './ledger/command.ts';
import { addHoldCommands, addLimitCommands } from './commands/pace-commands.ts';
import { addNotifyCommands } from './notify/commands.ts';

const status = lazily(async () => (await import('./commands/status.ts')).status);
const watchStatus = lazily(async () => (await import('./watch/watch-status.ts')).watchStatus);

/** The command line. `finish` receives the exit code of the command that ran. */
export function createProgram(context: CommandContext, finish: (exitCode: ExitCode) => void): Command {
  const run =
    <Arguments extends unknown[]>(command: (context: CommandContext, ...given: Arguments) => Promise<ExitCode>) =>
    async (...given: Arguments): Promise<void> =>
      finish(await command(context, ...given));
  const ask: Run = (command) =>
    run(async (given, ...rest) => {
      const answered = new AbortController();
      try {
        return await Promise.race([command(given, ...rest), interruption(given.interrupted, answered.signal)]);
      } finally {
        answered.abort();
      }
    });

  const program = new Command('kitechat-sender')
    .description('Delivers livechat messages to the Kitechat API: in order, within its limits, none lost.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .showHelpAfterError('Run the command with --help to see its arguments and options.')
    .addHelpText('after', variablesHelp);
  withUsageErrors(program, () => true);

  withVariables(program.command('worker'), uses.worker)
    .description('deliver messages until SIGTERM, SIGINT or SIGHUP, then drain and exit')
    .option('--hooks <FILE>', 'a module that exports hooks, see below; instead of KITECHAT_HOOKS_FILE')
    .addHelpText('after', hooksHelp)
    .action(run(lazily(async () => (await import('./commands/worker.ts')).runWorker)));

  withVariables(program.command('send'), uses.send)
    .description('store messages from an NDJSON file or stdin, one {pageId, conversationId, message, …} per line')
    .argument('[FILE]', 'the file; stdin if omitted or -')
    .addHelpText('after', sendHelp)
    .action(run(lazily(async () => (await import('./send/send.ts')).send)));

  withVariables(program.command('status'), uses.connection)
    .description('show message counts, holds and workers')
    .option('--watch', 'refresh every second until Ctrl-C')
    .addOption(json())
    .action(
      async ({ watch, ...options }: { watch?: true; json?: boolean }) =>
        await (watch ? run(watchStatus) : ask(status))(options),
    );

  withVariables(program.command('message'), uses.messages)
    .description('show the state of one message, and its attempts')
    .argument('<ID>', 'the id, as "send" and the logs of workers print it')
    .addOption(json())
    .action(ask(lazily(async () => (await import('./commands/message.ts')).showMessage)));

  withVariables(program.command('conversation'), uses.histories)
    .description('tell what became of the messages of a conversation, the oldest first')
    .argument('<PAGE>', 'the id of the page', opaqueId)
    .argument('<CONVERSATION>', 'the id of the conversation', opaqueId)
    .option('--limit <number>', 'the maximum number of messages, the newest ones', wholeNumberFlag, 100)
    .option(
      '--before <time[,id]>',
      'messages stored before this time, or before a message as the last line names it',
      historyStart,
    )
    .option('--content', 'also show what the messages say, and what the API answered')
    .addOption(json())
    .action(ask(lazily(async () => (await import('./commands/conversation.ts')).showConversation)));

  addActor(withVariables(program.command('cancel'), uses.connection))
    .description('cancel one message that is not being sent and has not ended')
    .argument('<ID>', 'the id, as "send" and the logs of workers print it')
    .addOption(json())
    .action(run(lazily(async () => (await import('./commands/cancel.ts')).cancel)));

  addActor(withVariables(program.command('repair'), uses.connection))
    .description("remove BullMQ's settings of our queues that others have changed; they have no effect on workers")
    .addOption(json())
    .action(run(lazily(async () => (await import('./commands/repair.ts')).repairSettings)));

  const actions: Actions = { run, ask };
  addDeadLetterCommands(program, actions);
  addHoldCommands(program, actions);
  addLimitCommands(program, actions);
  addNotifyCommands(program, actions);

  withVariables(program.command('audit'), uses.connection)
    .description('list the newest actions of operators: who did what, when and why')
    .option('--since <time>', 'actions at this time or later, such as 2026-11-22T10:00:00Z', timeFlag)
    .option('--until <time>', 'actions before this time', timeFlag)
    .option('--limit <number>', 'the maximum number of actions', wholeNumberFlag, 100)
    .addOption(json())
    .action(ask(lazily(async () => (await import('./commands/audit.ts')).showAudit)));

  addActor(withVariables(program.command('events'), uses.connection))
    .description('list the groups that read events, and how many events wait for each')
    .option('--forget <group>', 'remove a group: events are no longer kept for it')
    .addOption(json())
    .action(run(lazily(async () => (await import('./commands/events.ts')).showEvents)));

  withVariables(program.command('reshard'), uses.connection)
    .description('change the number of shards; requires that there are no open messages, workers or dead letters')
    .argument('<N>', 'the new KITECHAT_SHARDS', shardCount)
    .addOption(json())
    .action(run(lazily(async () => (await import('./reshard/reshard.ts')).reshard)));

  withVariables(program.command('console'), uses.console)
    .description('serve the console without a worker, until SIGTERM, SIGINT or SIGHUP')
    .action(run(lazily(async () => (await import('./commands/console.ts')).runConsole)));

  addLedgerCommand(program, actions);

  withUsageErrors(program.command('fake-api'), () => false)
    .description('run a fake of the send-message API, with faults on demand')
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <number>', 'the port; 0 picks a free one', wholeNumberFlag, 0)
    .addOption(repeatable('--api-key <key>', 'a key to accept; repeatable; without it every key is accepted'))
    .addOption(repeatable('--fault <fault>', 'a fault to inject, see below; repeatable; the first that applies wins'))
    .option('--seed <number>', 'the same seed gives the same requests the same faults', wholeNumberFlag, 1)
    .option('--latency <ms>', 'the delay of every answer, in ms', wholeNumberFlag, 0)
    .addOption(
      new Option('--answer <kind>', 'which success response to send')
        .choices(['success-true', 'success-1', 'ok-text', 'rotate'])
        .default('success-true'),
    )
    .addHelpText('after', faultHelp)
    .action(
      run(
        async (given, options: FakeApiOptions) =>
          await (await import('./commands/fake-api.ts')).fakeApi(given, options),
      ),
    );

  withUsageErrors(program.command('demo'), () => false)
    .description('send messages through a private Redis and two workers to the fake API, and show what becomes of them')
    .action(run(lazily(async () => (await import('./demo/demo.ts')).demo)));

  return program;
}

const variablesHelp = `
Settings are environment variables; the help of each command names those that it uses, and docs/configuration.md
describes them. An empty variable counts as not set. No command reads a file .env: let the platform do that, with
"node --env-file=.env", "docker run --env-file", or the env_file of Docker Compose.`;

const hooksHelp = `
A module (.mjs, .js, .cjs or .ts) exports at least one of these, each by its name or all in a default object:
  resolveApiKey(pageId)          the API key of a page; then KITECHAT_API_KEY is not needed
  classifyResponse(answer)       what an answer of the API means, if not what it means by default
  beforeSend(message)            whether a message may be sent now
  resolveUnknown(unknown)        what became of a message whose outcome is unknown
  ky                             a ky instance whose hooks sign requests or add headers`;

const sendHelp = `
Each line is an object:
  {"pageId":"p1","conversationId":"c1","message":{"type":"text","text":"Hello"},"idempotencyKey":"order-17"}
Optional fields: idempotencyKey, ttlMs, label, onUnknownOutcome ("resend" or "dead-letter"), priority ("normal" or
"high"); to send it later, delayMs or sendAt (a time with its zone, such as "2026-11-22T10:00:00Z").
For each stored message, {"line":1,"id":"…","duplicate":false} goes to stdout. stderr says why lines
are refused, for lines with the same reason together ("lines 4 to 9: …").`;

const faultHelp = `
A fault is <kind>[=<value>][,<name>=<value>…][:<rate>%], or JSON:
  kinds  status=500, latency=20 (ms), hang, reset-before, reset-after, success-false, redirect[=<location>],
         slow-body=500 (ms), broken-body, huge-body=1000000 (bytes), garbage
  names  retry-after=2, body=<text>, accept[=false], times=3, and to select requests:
         page=<id>, conversation=<id>, type=image, text=<part>, nth=2
For example: --fault status=500:12% --fault reset-before:8% --fault status=429,retry-after=2,times=3`;

/** @param answered stops the wait */
async function interruption(interrupted: AbortSignal, answered: AbortSignal): Promise<ExitCode> {
  if (!interrupted.aborted) await once(interrupted, 'abort', { signal: answered });
  return exitCodes.interrupted;
}
