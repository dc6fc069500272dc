import { Command, InvalidArgumentError, Option } from 'commander';
import { type DeadReason, deadReasons } from '../shared/dead-letter.ts';
import { version } from '../shared/version.ts';
import type { CommandContext, ExitCode } from './context.ts';
import { listDeadLetters, replayDeadLetters, showDeadLetter } from './dead-letters.ts';
import { demo } from './demo/demo.ts';
import { fakeApi, type FakeApiOptions } from './fake-api.ts';
import { showMessage } from './message.ts';
import { send } from './send.ts';
import { status } from './status.ts';
import { runWorker } from './worker.ts';

/** The command line. `finish` is told the exit code of the command that ran. */
export function createProgram(context: CommandContext, finish: (exitCode: ExitCode) => void): Command {
  const run =
    <Arguments extends unknown[]>(command: (context: CommandContext, ...given: Arguments) => Promise<ExitCode>) =>
    async (...given: Arguments): Promise<void> =>
      finish(await command(context, ...given));

  const program = new Command('kitechat-sender')
    .description('Delivers livechat messages to the Kitechat API: in order, at its pace, none lost.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .showHelpAfterError('Run it with --help to see what it takes.');

  program
    .command('worker')
    .description('deliver messages until SIGTERM or SIGINT, then drain and end')
    .action(run(runWorker));

  program
    .command('send')
    .description('store the messages of an NDJSON file or of stdin, one {pageId, conversationId, message, …} a line')
    .argument('[FILE]', 'the file; stdin if left out')
    .action(run(send));

  program.command('status').description('the counts, holds and workers').addOption(json()).action(run(status));

  program
    .command('message')
    .description('where one message stands, and its attempts')
    .argument('<ID>')
    .addOption(json())
    .action(run(showMessage));

  addDeadLetters(program.command('dead-letters').description('messages that could not be delivered'), run);

  program
    .command('fake-api')
    .description('a fake of the send-message API, with faults on demand')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'any free one if 0', wholeNumber, 0)
    .option('--api-key <key>', 'a key that is let in; repeat it for more; without it every key will do', collect, [])
    .option(
      '--fault <fault>',
      'how to misbehave, such as status=500:12% or reset-before:8%; may be repeated',
      collect,
      [],
    )
    .option('--seed <number>', 'the same seed meets the same requests with the same faults', wholeNumber, 1)
    .option('--latency <ms>', 'how long every answer takes', wholeNumber, 0)
    .addOption(
      new Option('--answer <kind>', 'how it says yes')
        .choices(['success-true', 'success-1', 'ok-text', 'rotate'])
        .default('success-true'),
    )
    .action(run(async (given, options: FakeApiOptions) => await fakeApi(given, options)));

  program
    .command('demo')
    .description('the whole path on a private Redis and the fake API; needs nothing else')
    .action(run(demo));

  return program;
}

type Run = <Arguments extends unknown[]>(
  command: (context: CommandContext, ...given: Arguments) => Promise<ExitCode>,
) => (...given: Arguments) => Promise<void>;

function addDeadLetters(deadLetters: Command, run: Run): void {
  deadLetters
    .command('list')
    .description('the newest entries that match')
    .addOption(new Option('--reason <reason>').choices([...deadReasons]))
    .option('--page <id>')
    .option('--conversation <id>')
    .option('--label <label>')
    .option('--since <time>', 'died at this time or later, such as 2026-11-22T10:00:00Z', time)
    .option('--until <time>', 'died before this time', time)
    .option('--limit <number>', 'at most so many', wholeNumber, 100)
    .addOption(json())
    .action(
      run(async (context, options: ListFlags) => {
        const { page: pageId, conversation: conversationId, ...others } = options;
        return await listDeadLetters(context, { ...others, pageId, conversationId });
      }),
    );

  deadLetters
    .command('show')
    .description('one entry whole: the request, every attempt, the answer')
    .argument('<ID>')
    .addOption(json())
    .action(run(showDeadLetter));

  deadLetters
    .command('replay')
    .description('send entries again, each at the end of its conversation')
    .requiredOption('--id <ID...>', 'which entries')
    .option('--force', 'also entries that had become too old')
    .addOption(json())
    .action(run(replayDeadLetters));
}

interface ListFlags {
  reason?: DeadReason;
  page?: string;
  conversation?: string;
  label?: string;
  since?: Date;
  until?: Date;
  limit: number;
  json?: boolean;
}

function json(): Option {
  return new Option('--json', 'one JSON object a line instead of a table');
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function time(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError('It must be a time such as 2026-11-22T10:00:00Z.');
  return date;
}
