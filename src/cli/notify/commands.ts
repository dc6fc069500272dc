import { type Command, InvalidArgumentError } from 'commander';
import { addActor } from '../context/actor.ts';
import { type Actions, json, lazily, wholeNumberFlag } from '../context/arguments.ts';
import { uses } from '../context/uses.ts';
import { withVariables } from '../context/variables.ts';
import type { ChosenFlags } from './chosen.ts';

const GROUP = 'notify';
const MAX_TIMEOUT_MS = 600_000;

export function addNotifyCommands(program: Command, { run, ask }: Actions): void {
  addReceiver(withVariables(program.command('notify'), uses.notify))
    .description(
      'deliver what became of messages as signed webhooks (Standard Webhooks), until SIGTERM, SIGINT or SIGHUP',
    )
    .option('--group <name>', 'the consumer group; each receiver needs its own', groupName, GROUP)
    .option('--concurrency <number>', 'the most requests at once', numberBetween(1, 1000), 10)
    .option('--attempts <number>', 'attempts of an event that the receiver refuses', numberBetween(1, 1000), 8)
    .option('--content', 'include the content of messages; encrypted content needs KITECHAT_ENCRYPTION_KEYS_FILE')
    .addHelpText('after', notifyHelp)
    .action(run(lazily(async () => (await import('./notify.ts')).runNotify)));

  const webhooks = program
    .command('webhooks')
    .description('inspect, send again or discard events that the receiver of "notify" did not accept');

  withVariables(webhooks.command('list'), uses.connection)
    .description('list the newest of these events')
    .option('--group <name>', 'the consumer group', groupName, GROUP)
    .option('--limit <number>', 'the maximum number of events', wholeNumberFlag, 100)
    .addOption(json())
    .action(ask(lazily(async () => (await import('./list.ts')).listWebhooks)));

  addActor(addReceiver(addChoice(withVariables(webhooks.command('replay'), uses.webhooks))), '--why')
    .description('send events again, oldest first; those that the receiver accepts are removed')
    .option('--group <name>', 'the consumer group', groupName, GROUP)
    .addOption(json())
    .action(run(lazily(async () => (await import('./replay.ts')).replayWebhooks)));

  addActor(addChoice(withVariables(webhooks.command('discard'), uses.connection)), '--why')
    .description('remove events permanently, after a confirmation')
    .option('--group <name>', 'the consumer group', groupName, GROUP)
    .option('--yes', 'skip the confirmation; required without a terminal')
    .addOption(json())
    .action(run(lazily(async () => (await import('./discard.ts')).discardWebhooks)));
}

function addReceiver(command: Command): Command {
  return command
    .requiredOption('--url <url>', 'where the receiver takes webhooks; https, or http on this machine')
    .requiredOption(
      '--secret-file <file>',
      'a file with the secrets that sign, one whsec_… a line; read again when it changes',
    )
    .option('--timeout-ms <number>', 'the longest that a request may take', numberBetween(100, MAX_TIMEOUT_MS), 20_000)
    .option('--allow-http', 'permit http to other machines, where others on the network can read the events');
}

/** Adds the two ways to choose events, and checks that exactly one is used. */
function addChoice(command: Command): Command {
  return command
    .option('--id <ID...>', 'the events with these ids')
    .option('--all', 'all events')
    .hook('preAction', () => {
      const { id, all } = command.opts<ChosenFlags>();
      if (id === undefined && all === undefined) command.error('error: choose events with --id ID…, or with --all');
      if (id !== undefined && all !== undefined) command.error('error: give --id or --all, not both');
    });
}

function numberBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = wholeNumberFlag(text);
    if (number < min || number > max) throw new InvalidArgumentError(`It must be from ${min} to ${max}.`);
    return number;
  };
}

function groupName(text: string): string {
  if (!/^[\w.-]{1,64}$/.test(text)) throw new InvalidArgumentError('It must have 1 to 64 letters, digits and _ . -');
  return text;
}

const notifyHelp = `
Each event is one POST. The events of a conversation come in order, each at least once: the receiver tells a repetition
by the header webhook-id. While the receiver is down, events wait. An event that only it refuses becomes a dead letter,
see "kitechat-sender webhooks". Exit code 1: the receiver answered 410, so it wants no more events.`;
