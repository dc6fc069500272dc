import { type Command, Option } from 'commander';
import { type DeadReason, deadReasons } from '../shared/dead-letter.ts';
import { type Actions, json, time, wholeNumber } from './arguments.ts';
import { listDeadLetters, replayDeadLetters, showDeadLetter } from './dead-letters.ts';

export function addDeadLetterCommands(program: Command, { run, ask }: Actions): void {
  const deadLetters = program.command('dead-letters').description('messages that could not be delivered');

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
