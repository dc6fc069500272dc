import { type Command, InvalidArgumentError, Option } from 'commander';
import { addActor } from '../context/actor.ts';
import { type Actions, json, lazily, replayRate, wholeNumberFlag } from '../context/arguments.ts';
import { uses } from '../context/uses.ts';
import { withVariables } from '../context/variables.ts';
import type { ReplayFlags } from './replay.ts';
import type { SettleFlags } from './settle.ts';
import { addFilter, addSelection } from './selection.ts';

export function addDeadLetterCommands(program: Command, { run, ask }: Actions): void {
  const deadLetters = program
    .command('dead-letters')
    .description('inspect, replay, settle, discard or export messages that could not be delivered');

  addFilter(withVariables(deadLetters.command('list'), uses.deadLetterList))
    .description('list the newest entries that match')
    .option('--limit <number>', 'the maximum number of entries', wholeNumberFlag, 100)
    .addOption(json())
    .action(ask(lazily(async () => (await import('./list.ts')).listDeadLetters)));

  withVariables(deadLetters.command('show'), uses.messages)
    .description('show one entry in full: the request, all attempts, the answer')
    .argument('<ID>', 'the id of the message, as "list" shows it')
    .addOption(json())
    .action(ask(lazily(async () => (await import('./show.ts')).showDeadLetter)));

  addReplay(deadLetters).action(run(lazily(async () => (await import('./replay.ts')).replayDeadLetters)));

  addSettle(deadLetters).action(run(lazily(async () => (await import('./settle.ts')).settleDeadLetter)));

  addActor(addSelection(withVariables(deadLetters.command('discard'), uses.messages)), '--why')
    .description('remove entries permanently, after a confirmation')
    .option('--yes', 'skip the confirmation; required without a terminal')
    .option('--dry-run', 'show what would be discarded, and change nothing')
    .addOption(json())
    .addHelpText('after', discardHelp)
    .action(run(lazily(async () => (await import('./discard.ts')).discardDeadLetters)));

  addFilter(withVariables(deadLetters.command('export'), uses.messages))
    .description('export all entries that match as NDJSON, oldest first; "send" accepts these lines')
    .option('--out <file>', 'the file to write, which appears only when it is complete; stdout if omitted or -')
    .option('--force', 'replace the file if it exists')
    .addHelpText('after', exportHelp)
    .action(run(lazily(async () => (await import('./export.ts')).exportDeadLetters)));
}

function addReplay(deadLetters: Command): Command {
  const replay = withVariables(deadLetters.command('replay'), uses.send);
  return addActor(addSelection(replay), '--why')
    .description('send entries again under new ids')
    .option('--rate <rate>', 'the maximum rate, such as 200/s', replayRate)
    .option('--dry-run', 'show what would be sent again, and change nothing; the exit code is that of a real replay')
    .option('--force', 'include entries that expired, or that may have arrived already')
    .addOption(new Option('--set <path=text>', editHelp).argParser(addEdit))
    .addOption(json())
    .addHelpText('after', replayHelp)
    .hook('preAction', () => {
      const { id, set } = replay.opts<ReplayFlags>();
      if (set !== undefined && new Set(id).size !== 1) {
        replay.error('error: --set changes one entry: give exactly one --id');
      }
    });
}

function addSettle(deadLetters: Command): Command {
  const settle = withVariables(deadLetters.command('settle'), uses.messages);
  return addActor(settle, '--why')
    .description('note what became of a message that may have arrived')
    .argument('<ID>', 'the id of the message, as "list" shows it')
    .option('--delivered', 'it arrived: the entry becomes a delivered message')
    .option('--not-delivered', 'it did not arrive: the entry stays, and a replay of it needs no --force')
    .addOption(json())
    .addHelpText('after', settleHelp)
    .hook('preAction', () => {
      const { delivered, notDelivered } = settle.opts<SettleFlags>();
      if (delivered === notDelivered) {
        const problem = delivered
          ? 'give --delivered or --not-delivered, not both'
          : 'give --delivered or --not-delivered';
        settle.error(`error: ${problem}`);
      }
    });
}

/** Adds a `path=text`; everything after the first `=` is the text. */
function addEdit(given: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, path, text] = /^([^=]+)=(.*)$/s.exec(given) ?? [];
  if (path === undefined || text === undefined) {
    throw new InvalidArgumentError('It must be <path>=<text>, such as message.text=Hello.');
  }
  if (Object.hasOwn(before, path)) throw new InvalidArgumentError(`${path} is set twice.`);
  return { ...before, [path]: text };
}

const editHelp = 'replace a text of the one entry before it is sent, such as message.text="Hello"; repeatable';

const replayHelp = `
Select entries with --id, filters, or --all. A replayed message joins the end of its conversation, or its front if the
conversation is held for this entry. Entries of one conversation are replayed in the order in which they were stored.
Entries that expired, or that may have arrived already, are skipped unless --force is given. On a terminal you are asked
before anything that may have arrived is sent. Ctrl-C stops after the entries in progress.
For example:
  kitechat-sender dead-letters replay --reason rejected --page p1 --rate 20/s
  kitechat-sender dead-letters replay --id 0-01J… --set message.text="Hello again"`;

const settleHelp = `
Only for entries with an attempt whose outcome is unknown. A conversation that is held for an entry continues once the
entry is settled as delivered. Settling an entry twice changes nothing more.
For example:
  kitechat-sender dead-letters settle 0-01J… --delivered --why "the customer has answered"`;

const discardHelp = `
Select entries with --id, filters, or --all. A conversation that is held for a discarded entry continues without it. To
keep a copy, run "export" first.`;

const exportHelp = `
An existing file is left unchanged unless --force is given, because entries that were discarded since may exist only
there. A new file can be read only by its owner, because it holds messages.`;
