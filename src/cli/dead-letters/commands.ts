import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Actions, json, lazily, replayRate, wholeNumber } from '../context/arguments.ts';
import type { ReplayFlags } from './replay.ts';
import { addFilter, addSelection } from './selection.ts';

export function addDeadLetterCommands(program: Command, { run, ask, askToEnd }: Actions): void {
  const deadLetters = program.command('dead-letters').description('messages that could not be delivered');

  addFilter(deadLetters.command('list'))
    .description('the newest entries that match')
    .option('--limit <number>', 'at most so many', wholeNumber, 100)
    .addOption(json())
    .action(ask(lazily(async () => (await import('./list.ts')).listDeadLetters)));

  deadLetters
    .command('show')
    .description('one entry whole: the request, every attempt, the answer')
    .argument('<ID>', 'the id of the message, as "list" shows it')
    .addOption(json())
    .action(ask(lazily(async () => (await import('./show.ts')).showDeadLetter)));

  addReplay(deadLetters).action(run(lazily(async () => (await import('./replay.ts')).replayDeadLetters)));

  addSelection(deadLetters.command('discard'))
    .description('remove entries for good, after a question')
    .option('--yes', 'ask nothing; needed where nobody can be asked')
    .option('--dry-run', 'tell what would be discarded, and change nothing')
    .addOption(json())
    .addHelpText('after', discardHelp)
    .action(run(lazily(async () => (await import('./discard.ts')).discardDeadLetters)));

  addFilter(deadLetters.command('export'))
    .description('all entries that match as NDJSON, oldest first; "send" takes these lines')
    .option('--out <file>', 'into this file, which is there only when it is whole; stdout if left out, or if it is -')
    .option('--force', 'replace the file if it is there')
    .addHelpText('after', exportHelp)
    .action(askToEnd(lazily(async () => (await import('./export.ts')).exportDeadLetters)));
}

function addReplay(deadLetters: Command): Command {
  const replay = deadLetters.command('replay');
  return addSelection(replay)
    .description('send entries again under new ids')
    .option('--rate <rate>', 'at most so fast, such as 200/s', replayRate)
    .option('--dry-run', 'tell what would be sent again, and change nothing; the exit code is that of the replay')
    .option('--force', 'also entries that had become too old')
    .addOption(new Option('--set <path=text>', editHelp).argParser(addEdit))
    .addOption(json())
    .addHelpText('after', replayHelp)
    .hook('preAction', () => {
      const { id, set } = replay.opts<ReplayFlags>();
      if (set !== undefined && new Set(id).size !== 1) {
        replay.error('error: --set changes one entry: give the one --id that it is for');
      }
    });
}

/** Everything after the first `=` is the text. */
function addEdit(given: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, path, text] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
  if (path === undefined || text === undefined) {
    throw new InvalidArgumentError('It must be a path and a text, such as message.text=Hello.');
  }
  if (Object.hasOwn(before, path)) throw new InvalidArgumentError(`${path} is set twice.`);
  return { ...before, [path]: text };
}

const editHelp = 'change the one entry before it is sent, such as message.text="Hello"; may be repeated';

const replayHelp = `
Name which: --id, filters, or --all. Each joins the end of its conversation, or its front if the conversation is held for
it. Entries of one conversation go in the order in which they were stored. Ctrl-C stops after those under way.
For example:
  kitechat-sender dead-letters replay --reason rejected --page p1 --rate 20/s
  kitechat-sender dead-letters replay --id 0-01J… --set message.text="Hello again"`;

const discardHelp = `
Name which: --id, filters, or --all. A conversation that is held for one of them goes on without it. "export" keeps a
copy.`;

const exportHelp = `
A file that is there already is left as it is, unless --force is given: entries that were discarded since may stand
nowhere else. A new file can be read by its owner alone, since it holds the messages.`;
