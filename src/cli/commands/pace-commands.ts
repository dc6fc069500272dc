import { type Command, Option } from 'commander';
import { type Actions, json, lazily, opaqueId, rateLimit } from '../context/arguments.ts';
import type { TargetOptions } from './hold.ts';
import type { LimitFlags } from './limits.ts';

interface TargetFlags extends TargetOptions {
  all?: true;
}

/** `hold` and `release`. */
export function addHoldCommands(program: Command, { run }: Actions): void {
  addTarget(program.command('hold').description('stop sending; messages wait until "release"')).action(
    run(
      async (context, { all: _all, ...target }: TargetFlags) =>
        await (await import('./hold.ts')).holdMessages(context, target),
    ),
  );
  addTarget(program.command('release').description('send again what "hold", or a dead letter, has stopped')).action(
    run(
      async (context, { all: _all, ...target }: TargetFlags) =>
        await (await import('./hold.ts')).releaseMessages(context, target),
    ),
  );
}

function addTarget(command: Command): Command {
  return command
    .addOption(new Option('--all', 'everything').conflicts(['page', 'conversation']))
    .option('--page <id>', 'one page', opaqueId)
    .option('--conversation <id>', 'one conversation of the page', opaqueId)
    .addOption(json())
    .hook('preAction', () => {
      const { all, page, conversation } = command.opts<TargetFlags>();
      if (conversation !== undefined && page === undefined) {
        command.error('error: --conversation needs the --page that it is of');
      }
      if (!all && page === undefined) command.error('error: name what: --all, --page, or --page with --conversation');
    });
}

/** `limits show` and `limits set`. */
export function addLimitCommands(program: Command, { run, ask }: Actions): void {
  const limits = program.command('limits').description('how fast messages may go, at run time and for all workers');

  limits
    .command('show')
    .description('the limits that count, and where they are from')
    .addOption(json())
    .action(ask(lazily(async () => (await import('./limits.ts')).showLimits)));

  const set = limits.command('set');
  set
    .description('set limits that all workers keep to within seconds, whatever their variables say')
    .option('--rate <limit>', 'of the whole fleet, such as 50/s or "300/min burst 10"', rateLimit)
    .option('--page-rate <limit>', 'of each page', rateLimit)
    .addOption(json())
    .addHelpText(
      'after',
      '\nA limit may also be none (no limit) or default (the variables of the workers count again).',
    )
    .hook('preAction', () => {
      const { rate, pageRate } = set.opts<LimitFlags>();
      if (rate === undefined && pageRate === undefined) set.error('error: give --rate, --page-rate, or both');
    })
    .action(run(lazily(async () => (await import('./limits.ts')).setLimits)));
}
