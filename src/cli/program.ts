import { once } from 'node:events';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type DeadReason, deadReasons } from '../shared/dead-letter.ts';
import { version } from '../shared/version.ts';
import { type CommandContext, type ExitCode, exitCodes } from './context.ts';
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
  // What only asks can be dropped at once.
  const ask: Run = (command) =>
    run((given, ...rest) => Promise.race([command(given, ...rest), interruption(given.interrupted)]));

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
    .argument('[FILE]', 'the file; stdin if left out, or if it is -')
    .addHelpText('after', sendHelp)
    .action(run(send));

  program
    .command('status')
    .description('how many messages wait, are sent, or are dead; holds and workers')
    .addOption(json())
    .action(ask(status));

  program
    .command('message')
    .description('where one message stands, and its attempts')
    .argument('<ID>', 'as "send" and the log of a worker print it')
    .addOption(json())
    .action(ask(showMessage));

  addDeadLetters(program.command('dead-letters').description('messages that could not be delivered'), { run, ask });

  program
    .command('fake-api')
    .description('a fake of the send-message API, with faults on demand')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'any free one if 0', wholeNumber, 0)
    .addOption(repeatable('--api-key <key>', 'a key that is let in, may be repeated; without it every key will do'))
    .addOption(
      repeatable('--fault <fault>', 'how to misbehave, see below; may be repeated, the first that applies wins'),
    )
    .option('--seed <number>', 'the same seed meets the same requests with the same faults', wholeNumber, 1)
    .option('--latency <ms>', 'how long every answer takes', wholeNumber, 0)
    .addOption(
      new Option('--answer <kind>', 'how it says yes')
        .choices(['success-true', 'success-1', 'ok-text', 'rotate'])
        .default('success-true'),
    )
    .addHelpText('after', faultHelp)
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

const sendHelp = `
A line:
  {"pageId":"p1","conversationId":"c1","message":{"type":"text","text":"Hello"},"idempotencyKey":"order-17"}
Beside the request it may have idempotencyKey, ttlMs, label and onUnknownOutcome ("resend" or "dead-letter").
For each message stored, {"line":1,"id":"…","duplicate":false} goes to stdout.`;

const faultHelp = `
A fault is <kind>[=<value>][,<name>=<value>…][:<rate>%], or JSON:
  kinds  status=500, latency=20 (ms), hang, reset-before, reset-after, success-false, redirect[=<location>],
         slow-body=500 (ms), broken-body, huge-body=1000000 (bytes), garbage
  names  retry-after=2, body=<text>, accept[=false], times=3, and to choose the requests:
         page=<id>, conversation=<id>, type=image, text=<part>, nth=2
For example: --fault status=500:12% --fault reset-before:8% --fault status=429,retry-after=2,times=3`;

async function interruption(interrupted: AbortSignal): Promise<ExitCode> {
  if (!interrupted.aborted) await once(interrupted, 'abort');
  return exitCodes.interrupted;
}

function addDeadLetters(deadLetters: Command, { run, ask }: { run: Run; ask: Run }): void {
  deadLetters
    .command('list')
    .description('the newest entries that match')
    .addOption(new Option('--reason <reason>', 'why they died').choices([...deadReasons]))
    .option('--page <id>', 'of this page')
    .option('--conversation <id>', 'of this conversation')
    .option('--label <label>', 'with this label')
    .option('--since <time>', 'died at this time or later, such as 2026-11-22T10:00:00Z', time)
    .option('--until <time>', 'died before this time', time)
    .option('--limit <number>', 'at most so many', wholeNumber, 100)
    .addOption(json())
    .action(
      ask(async (context, options: ListFlags) => {
        const { page: pageId, conversation: conversationId, ...others } = options;
        return await listDeadLetters(context, { ...others, pageId, conversationId });
      }),
    );

  deadLetters
    .command('show')
    .description('one entry whole: the request, every attempt, the answer')
    .argument('<ID>', 'the id of the message, as "list" shows it')
    .addOption(json())
    .action(ask(showDeadLetter));

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

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((value: string, before: string[]) => [...before, value])
    .default([], 'none');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function time(text: string): Date {
  const date = new Date(text);
  // Date also reads "5" and "1 may", and none of it as people mean it.
  const isTime = /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date.getTime());
  if (!isTime) throw new InvalidArgumentError('It must be a time such as 2026-11-22T10:00:00Z.');
  return date;
}
